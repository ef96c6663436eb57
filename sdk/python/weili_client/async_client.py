"""The client that is awaited; it says what ``client`` says."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx2

from weili_client import routes
from weili_client.credentials import Credentials
from weili_client.problems import Refused, Unreachable
from weili_client.requests import (
    CONNECTIONS_MAX,
    TIMEOUT_S,
    TRIES_MAX,
    Reply,
    Request,
    object_of,
    pause_s,
    reply_of,
    request_of,
)


class AsyncClient:
    """Awaits each answer. One is for the tasks of one event loop."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        language: str = "en",
        tries_max: int = TRIES_MAX,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._credentials = credentials
        self._tries_max = tries_max
        self._http = httpx2.AsyncClient(
            base_url=base_url,
            timeout=timeout_s,
            headers={"accept-language": language},
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Open nothing yet: connections come with the first request."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, request: Request) -> Reply:
        """Send a request until an answer settles it.

        Raises: Refused; Unreachable, when no answer came however often it was tried.
        """
        for attempt in range(self._tries_max):
            is_last = attempt + 1 == self._tries_max
            retry_after = None
            try:
                response = await self._send_once(request)
            except httpx2.TransportError as error:
                if is_last:
                    raise Unreachable(f"{request.method} {request.target}: {error!r}") from error
            else:
                try:
                    return reply_of(response.status_code, response.headers, response.content)
                except Refused as refused:
                    if is_last or not refused.is_repeatable:
                        raise
                    retry_after = response.headers.get("retry-after")
            await asyncio.sleep(pause_s(attempt, retry_after))
        raise Unreachable(f"{request.method} {request.target} was not tried")

    async def _send_once(self, request: Request) -> httpx2.Response:
        # The target is sent as it was signed: the URL is parsed, never rebuilt from its parts.
        proof = self._credentials.headers(request.method, request.target, request.body)
        return await self._http.request(
            request.method,
            request.target,
            content=request.body or None,
            headers={**request.headers, **proof},
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        is_keyed: bool = False,
    ) -> Any:  # noqa: ANN401 - what a route answers
        """Ask any route. ``is_keyed`` sends an Idempotency-Key of its own making.

        Raises: Refused; Unreachable.
        """
        asked = request_of(
            method,
            path,
            body=body,
            query=query,
            idempotency_key=idempotency_key,
            is_keyed=is_keyed,
        )
        return (await self.send(asked)).document

    async def order_place(
        self,
        *,
        number: str,
        area_code: str,
        recipient: Mapping[str, str],
        lines: Sequence[routes.Json],
        hold: bool = False,
    ) -> dict[str, Any]:
        """Place an order; the same number again gives the same answer.

        Raises: Refused; Unreachable: ask ``order_by_number``, or place it again.
        """
        body = routes.order_body(
            number=number, area_code=area_code, recipient=recipient, lines=lines, hold=hold
        )
        return object_of(await self.send(routes.order_place(body)))

    async def orders_place(self, orders: Sequence[routes.Json]) -> list[dict[str, Any]]:
        """Place up to 500 orders (see ``routes.order_body``); gives what came of each."""
        return list(object_of(await self.send(routes.orders_place(orders)))["results"])

    async def order_render(self, body: routes.Json) -> dict[str, Any]:
        """See what an order would become, without placing it."""
        return object_of(await self.send(routes.order_render(body)))

    async def addresses_resolve(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Read which areas up to 100 texts mean; their answers in the same order."""
        return list(object_of(await self.send(routes.addresses_resolve(texts)))["items"])

    async def area_changes(
        self, *, after: int = 0, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """List what changed in the list of areas after a position."""
        return list(object_of(await self.send(routes.area_changes(after, limit)))["items"])

    async def order_get(self, order_id: str) -> dict[str, Any]:
        """Get an order as it stands now."""
        return object_of(await self.send(routes.order_get(order_id)))

    async def order_by_number(self, number: str) -> dict[str, Any]:
        """Get the order that your own number names."""
        return object_of(await self.send(routes.order_by_number(number)))

    async def orders_page(
        self, *, state: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List orders, the newest first: ``items`` and ``next_cursor``."""
        return object_of(await self.send(routes.orders_page(state, cursor, limit)))

    async def order_confirm(
        self, order_id: str, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Confirm an order that was placed on hold."""
        return object_of(await self.send(routes.order_step(order_id, "confirm", idempotency_key)))

    async def order_cancel(
        self, order_id: str, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Cancel what can be of an order; ``outcomes`` says what came of each child."""
        return object_of(await self.send(routes.order_step(order_id, "cancel", idempotency_key)))

    async def order_intercept(
        self,
        order_id: str,
        *,
        package_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Ask to stop a package that is on its way, or all of an order."""
        body = {"package_id": package_id}
        asked = routes.order_step(order_id, "intercept", idempotency_key, body)
        return object_of(await self.send(asked))

    async def order_change_address(
        self, order_id: str, body: routes.Json, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Send an order elsewhere: ``area_code`` and ``recipient``."""
        asked = routes.order_step(order_id, "changeAddress", idempotency_key, body)
        return object_of(await self.send(asked))

    async def order_remark(
        self, order_id: str, audience: str, text: str, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Say something of an order to the ``operator`` or the ``supplier``."""
        asked = routes.order_remark(order_id, audience, text, idempotency_key)
        return object_of(await self.send(asked))

    async def order_settings_put(self, low_balance: str) -> dict[str, Any]:
        """Choose whether an order that your balance does not cover is to ``refuse`` or ``wait``."""
        body = {"low_balance": low_balance}
        return object_of(await self.send(request_of("PUT", "/v1/order-settings", body=body)))

    async def package_step(
        self,
        package_id: str,
        step: str,
        body: routes.Json | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Say, as a supplier: intercepted, notIntercepted, refused, returned or lost."""
        asked = routes.package_step(package_id, step, body, idempotency_key)
        return object_of(await self.send(asked))

    async def order_confirm_receipt(
        self, order_id: str, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Say that your customer has everything."""
        step = routes.order_step(order_id, "confirmReceipt", idempotency_key)
        return object_of(await self.send(step))

    async def prices(self, items: Sequence[routes.Json]) -> list[dict[str, Any]]:
        """Ask what up to 100 SKUs cost you, each ``sku_id`` and ``quantity``; in their order."""
        return list(object_of(await self.send(routes.prices(items)))["items"])

    async def costs_propose(
        self,
        costs: Sequence[routes.Json],
        *,
        valid_from: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[dict[str, Any]]:
        """Ask, as a supplier, for other costs, each ``sku_id`` and ``unit_cost_minor``."""
        asked = routes.costs_propose(costs, valid_from, idempotency_key)
        return list(object_of(await self.send(asked))["items"])

    async def messages(
        self, *, types: Sequence[str] = (), limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Get the oldest messages that were not acknowledged."""
        return list(object_of(await self.send(routes.messages(types, limit)))["items"])

    async def messages_ack(self, ids: Sequence[str]) -> int:
        """Acknowledge messages; says how many newly were."""
        return int(object_of(await self.send(routes.messages_ack(ids)))["acknowledged"])

    async def account(self) -> dict[str, Any]:
        """See what stands on your account."""
        return object_of(await self.send(request_of("GET", "/v1/account")))

    async def deposit_submit(
        self, body: routes.Json, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Say that you paid: slip, amount_minor, payer, paid_on."""
        return object_of(await self.send(routes.deposit_submit(body, idempotency_key)))

    async def withdrawal_request(
        self, body: routes.Json, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Ask for money back: amount_minor, holder, bank, account_number."""
        return object_of(await self.send(routes.withdrawal_request(body, idempotency_key)))

    async def alarm_put(self, alarm_minor: int | None) -> dict[str, Any]:
        """Set below what you are told that your balance is low; None for never."""
        return object_of(await self.send(routes.alarm_put(alarm_minor)))

    async def statement(self, **query: object) -> dict[str, Any]:
        """Get a page of your statement: ``cursor``, ``limit``, ``purpose``, ``to``."""
        return object_of(await self.send(routes.statement(query)))

    async def day_list(
        self, name: str, on: str, *, cursor: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Get a page of what became of orders on a day: new, shipped, delivered and so on."""
        return object_of(await self.send(routes.day_list(name, on, cursor, limit)))

    async def day_compare(self, name: str, on: str, amounts: Mapping[str, int]) -> dict[str, Any]:
        """Hold your own list of a day, amounts by order, against theirs."""
        return object_of(await self.send(routes.day_compare(name, on, amounts)))

    async def order_tracks(self, order_id: str) -> dict[str, Any]:
        """See the way of each of an order's packages, in the order in which it happened."""
        return object_of(await self.send(routes.order_tracks(order_id)))

    async def carriers(self) -> list[dict[str, Any]]:
        """List the carriers and their codes."""
        return list(object_of(await self.send(routes.carriers()))["items"])

    async def pick_list(self, warehouse_id: str, *, limit: int = 20) -> dict[str, Any]:
        """Print the pick list of a warehouse's next wave; who printed is written down."""
        return object_of(await self.send(routes.pick_list(warehouse_id, limit)))

    async def waybills(self, child_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Print masked waybills of child orders; who printed is written down."""
        return list(object_of(await self.send(routes.waybills(child_ids)))["items"])

    async def child_step(
        self,
        child_id: str,
        step: str,
        body: routes.Json | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Take a supplier's step: take, refuse, acceptCancel, refuseCancel, ship."""
        return object_of(await self.send(routes.child_step(child_id, step, body, idempotency_key)))

    async def package_deliver(
        self, package_id: str, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Report that a package has arrived."""
        return object_of(await self.send(routes.package_deliver(package_id, idempotency_key)))

    async def stock_get(self, items: Sequence[routes.Json]) -> list[dict[str, Any]]:
        """Ask whether quantities can be had in areas, up to 100 questions."""
        return list(object_of(await self.send(routes.stock_get(items)))["items"])

    async def stock_update(
        self,
        rows: Sequence[routes.Json],
        *,
        reference: str = "update",
        idempotency_key: str | None = None,
    ) -> list[dict[str, Any]]:
        """Change up to 1,000 places of your stock; each row has an outcome of its own."""
        return list(
            object_of(await self.send(routes.stock_update(rows, reference, idempotency_key)))[
                "items"
            ]
        )

    async def stock_work(
        self, path: str, body: routes.Json, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Do a work of stock: `arrivals`, `arrivals/{id}:receive`, `transfers` and so on."""
        return object_of(await self.send(routes.stock_work(path, body, idempotency_key)))

    async def media_upload(
        self, content: bytes, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Send a picture (PNG, JPEG, WebP), a video (MP4) or a document (PDF) as it is."""
        return object_of(await self.send(routes.media_upload(content, idempotency_key)))

    async def goods_save(self, spu_code: str, proposal: routes.Json) -> dict[str, Any]:
        """Write down what you propose for goods: the whole SPU with all its variants."""
        return object_of(await self.send(routes.goods_save(spu_code, proposal)))

    async def revision_submit(
        self, revision_id: str, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Hand proposed goods to the operator; what is wrong is listed field by field."""
        return object_of(
            await self.send(routes.revision_step(revision_id, "submit", idempotency_key))
        )

    async def revision_withdraw(
        self, revision_id: str, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Take proposed goods back for good."""
        return object_of(
            await self.send(routes.revision_step(revision_id, "withdraw", idempotency_key))
        )

    async def revisions_publish(
        self, revision_ids: Sequence[str], *, idempotency_key: str | None = None
    ) -> list[dict[str, Any]]:
        """Publish up to 100 proposals, as the operator; gives what came of each."""
        answer = object_of(await self.send(routes.revisions_publish(revision_ids, idempotency_key)))
        return list(answer["results"])

    async def skus_search(self, text: str = "", **narrowing: str | int | None) -> dict[str, Any]:
        """Search what you may order; narrow by ``category_id``, ``sort`` and so on."""
        return object_of(await self.send(routes.skus_search(text, narrowing)))

    async def skus_feed(
        self, *, after: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Read what changed after a position (all, without one); keep ``next_after``."""
        return object_of(await self.send(routes.skus_feed(after, limit)))

    async def selection_open(
        self, name: str, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Open an empty selection."""
        return object_of(await self.send(routes.selection_open(name, idempotency_key)))

    async def selection_skus(
        self, selection_id: str, *, cursor: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List a selection's SKUs at cost and retail price."""
        query = {"cursor": cursor, "limit": limit}
        return object_of(await self.send(routes.selection_part(selection_id, "skus", query=query)))

    async def selection_put(
        self, selection_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Put SKUs into a selection, and take others out."""
        body = {"add": list(add), "remove": list(remove)}
        return object_of(await self.send(routes.selection_part(selection_id, "skus", body=body)))

    async def selection_rules_put(
        self, selection_id: str, rules: Sequence[routes.Json]
    ) -> dict[str, Any]:
        """Set all mark-up rules of a selection."""
        body = {"rules": [dict(rule) for rule in rules]}
        return object_of(await self.send(routes.selection_part(selection_id, "rules", body=body)))
