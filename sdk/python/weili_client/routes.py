"""The routes as methods, said once for both clients: each gives a request to be sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from weili_client.requests import Request, part, request_of

Json = Mapping[str, Any]


def order_body(
    *,
    number: str,
    area_code: str,
    recipient: Mapping[str, str],
    lines: Sequence[Json],
    hold: bool = False,
) -> dict[str, Any]:
    """Make the body of an order."""
    return {
        "number": number,
        "area_code": area_code,
        "recipient": dict(recipient),
        "lines": [dict(line) for line in lines],
        "hold": hold,
    }


def prices(items: Sequence[Json]) -> Request:
    """Ask what pieces cost."""
    return request_of("POST", "/v1/prices:batchGet", body={"items": list(items)})


def costs_propose(
    costs: Sequence[Json], valid_from: str | None, idempotency_key: str | None
) -> Request:
    """Ask for other costs."""
    return request_of(
        "POST",
        "/v1/supply/costs",
        body={"costs": list(costs), "valid_from": valid_from},
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def order_place(body: Json) -> Request:
    """Place an order; its number is the key."""
    return request_of("POST", "/v1/orders", body=body)


def orders_place(orders: Sequence[Json]) -> Request:
    """Place up to 500 orders."""
    return request_of("POST", "/v1/orders:batch", body={"orders": list(orders)})


def order_render(body: Json) -> Request:
    """See what an order would become."""
    return request_of("POST", "/v1/orders:render", body=body)


def addresses_resolve(texts: Sequence[str]) -> Request:
    """Read which areas up to 100 texts mean."""
    body = {"items": [{"text": text} for text in texts]}
    return request_of("POST", "/v1/addresses:resolve", body=body)


def area_changes(after: int, limit: int | None) -> Request:
    """List what changed in the list of areas."""
    return request_of("GET", "/v1/areas/changes", query={"after": after, "limit": limit})


def order_get(order_id: str) -> Request:
    """Get an order."""
    return request_of("GET", f"/v1/orders/{part(order_id)}")


def order_by_number(number: str) -> Request:
    """Get an order by your own number."""
    return request_of("GET", f"/v1/orders/by-number/{part(number)}")


def orders_page(state: str | None, cursor: str | None, limit: int | None) -> Request:
    """List orders."""
    query = {"state": state, "cursor": cursor, "limit": limit}
    return request_of("GET", "/v1/orders", query=query)


def order_step(
    order_id: str, step: str, idempotency_key: str | None, body: Json | None = None
) -> Request:
    """Take a step with an order: confirm, cancel, intercept, changeAddress, confirmReceipt."""
    return request_of(
        "POST",
        f"/v1/orders/{part(order_id)}:{step}",
        body=body,
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def order_remark(order_id: str, audience: str, text: str, idempotency_key: str | None) -> Request:
    """Say something of an order."""
    return request_of(
        "POST",
        f"/v1/orders/{part(order_id)}/remarks",
        body={"audience": audience, "text": text},
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def package_step(
    package_id: str, step: str, body: Json | None, idempotency_key: str | None
) -> Request:
    """Say what has become of a package."""
    return request_of(
        "POST",
        f"/v1/supply/packages/{part(package_id)}:{step}",
        body=body,
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def messages(types: Sequence[str], limit: int | None) -> Request:
    """Get messages."""
    query = {"types": ",".join(types) or None, "limit": limit}
    return request_of("GET", "/v1/messages", query=query)


def messages_ack(ids: Sequence[str]) -> Request:
    """Acknowledge messages."""
    return request_of("POST", "/v1/messages:ack", body={"ids": list(ids)})


def order_tracks(order_id: str) -> Request:
    """See the way of each of an order's packages."""
    return request_of("GET", f"/v1/orders/{part(order_id)}/tracks")


def carriers() -> Request:
    """List the carriers and their codes."""
    return request_of("GET", "/v1/carriers")


def pick_list(warehouse_id: str, limit: int) -> Request:
    """Print the pick list of a warehouse's next wave."""
    body = {"warehouse_id": warehouse_id, "limit": limit}
    return request_of("POST", "/v1/supply/papers:pickList", body=body)


def waybills(child_ids: Sequence[str]) -> Request:
    """Print masked waybills."""
    body = {"child_ids": list(child_ids)}
    return request_of("POST", "/v1/supply/papers:waybills", body=body)


def child_step(child_id: str, step: str, body: Json | None, idempotency_key: str | None) -> Request:
    """Take a supplier's step with a child order: take, refuse, acceptCancel, refuseCancel, ship."""
    return request_of(
        "POST",
        f"/v1/supply/orders/{part(child_id)}:{step}",
        body=body,
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def package_deliver(package_id: str, idempotency_key: str | None) -> Request:
    """Report that a package has arrived."""
    return request_of(
        "POST",
        f"/v1/supply/packages/{part(package_id)}:deliver",
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def stock_get(items: Sequence[Json]) -> Request:
    """Ask whether quantities can be had in areas."""
    return request_of("POST", "/v1/stock:batchGet", body={"items": list(items)})


def stock_update(rows: Sequence[Json], reference: str, idempotency_key: str | None) -> Request:
    """Change up to 1,000 places, each row with an outcome of its own."""
    return request_of(
        "POST",
        "/v1/supply/stock:update",
        body={"rows": list(rows), "reference": reference},
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def stock_work(path: str, body: Json, idempotency_key: str | None) -> Request:
    """Do one of the works of stock: arrivals, transfers, counts and their steps."""
    return request_of(
        "POST",
        f"/v1/supply/{path}",
        body=body,
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def media_upload(content: bytes, idempotency_key: str | None) -> Request:
    """Send a picture, a video or a document as it is."""
    asked = request_of(
        "POST", "/v1/supply/media:upload", idempotency_key=idempotency_key, is_keyed=True
    )
    headers = {**asked.headers, "content-type": "application/octet-stream"}
    return Request(asked.method, asked.target, content, headers)


def goods_save(spu_code: str, proposal: Json) -> Request:
    """Write down what is proposed for goods."""
    return request_of("PUT", f"/v1/supply/goods/{part(spu_code)}", body=proposal)


def revision_step(revision_id: str, step: str, idempotency_key: str | None) -> Request:
    """Submit or withdraw proposed goods."""
    return request_of(
        "POST",
        f"/v1/supply/goods-revisions/{part(revision_id)}:{step}",
        body={},
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def revisions_publish(revision_ids: Sequence[str], idempotency_key: str | None) -> Request:
    """Publish proposed goods."""
    return request_of(
        "POST",
        "/v1/operator/goods-revisions:publish",
        body={"revision_ids": list(revision_ids)},
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def skus_search(text: str, narrowing: Mapping[str, Any]) -> Request:
    """Search what may be ordered."""
    return request_of("GET", "/v1/search/skus", query={"q": text, **narrowing})


def skus_feed(after: str | None, limit: int | None) -> Request:
    """Read what changed of the SKUs that may be ordered."""
    return request_of("GET", "/v1/feed/skus", query={"after": after, "limit": limit})


def selection_open(name: str, idempotency_key: str | None) -> Request:
    """Open a selection."""
    return request_of(
        "POST",
        "/v1/selections",
        body={"name": name},
        idempotency_key=idempotency_key,
        is_keyed=True,
    )


def selection_part(
    selection_id: str,
    what: str,
    *,
    body: Json | None = None,
    query: Mapping[str, Any] | None = None,
) -> Request:
    """Read a selection's SKUs or rules, or (with a body) put them."""
    path = f"/v1/selections/{part(selection_id)}/{part(what)}"
    return request_of("GET" if body is None else "PUT", path, body=body, query=query)


def deposit_submit(body: Json, idempotency_key: str | None) -> Request:
    """Say that you paid."""
    path = "/v1/account/deposits"
    return request_of("POST", path, body=body, idempotency_key=idempotency_key, is_keyed=True)


def withdrawal_request(body: Json, idempotency_key: str | None) -> Request:
    """Ask for money back."""
    path = "/v1/account/withdrawals"
    return request_of("POST", path, body=body, idempotency_key=idempotency_key, is_keyed=True)


def alarm_put(alarm_minor: int | None) -> Request:
    """Set below what you are told that your balance is low."""
    return request_of("PUT", "/v1/account/alarm", body={"alarm_minor": alarm_minor})


def statement(query: Json) -> Request:
    """Get a page of your statement."""
    return request_of("GET", "/v1/account/statement", query=query)


def day_list(name: str, on: str, cursor: str | None, limit: int | None) -> Request:
    """Get a page of a day's list."""
    query = {"on": on, "cursor": cursor, "limit": limit}
    return request_of("GET", f"/v1/reconciliation/{part(name)}", query=query)


def day_compare(name: str, on: str, amounts: Mapping[str, int]) -> Request:
    """Hold your own list of a day against theirs."""
    items = [{"key": key, "amount_minor": amount} for key, amount in amounts.items()]
    path = f"/v1/reconciliation/{part(name)}:compare"
    return request_of("POST", path, body={"on": on, "items": items})
