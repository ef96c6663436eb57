"""The desk at which the themes are tried: who takes part, and what each of them may expect."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from weili import sample
from weili.adapters.suppliers.platform_api import Credentials, PlatformApi, Reply
from weili.entrypoints.cli.demo.trade import Document

AREA: Final = "330106"
AREA_ELSEWHERE: Final = "330702"
NEAR, FAR = "near", "far"
LOOK_S: Final = 0.1
STUCK_S: Final = 60.0
REFUSED_FROM: Final = 400
NOT_UNDER: Final = frozenset({"GET", "PUT"})

Turn = Callable[[int], Awaitable[datetime]]
"""Turns the clock of the world by so many seconds; gives what it shows then."""


class RefusedError(RuntimeError):
    """Something was refused that must be possible."""


@dataclass(slots=True)
class Desk:
    """Who takes part, what was made on the way, and what was counted and found to be off."""

    operator: PlatformApi
    turn: Turn
    api_of: Callable[[Credentials], PlatformApi]
    second: PlatformApi
    clerk: PlatformApi = field(init=False)
    carrier: PlatformApi = field(init=False)
    supplier: PlatformApi = field(init=False)
    partner: PlatformApi = field(init=False)
    partner_id: str = ""
    supplier_id: str = ""
    pool_id: str = ""
    list_id: str = ""
    houses: dict[str, str] = field(default_factory=dict)
    skus: dict[str, str] = field(default_factory=dict)
    orders: dict[str, Document] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    off: list[str] = field(default_factory=list)
    paid_in_minor: int = 0
    due_minor: int = 0
    owed_minor: int = 0
    shipped: dict[str, tuple[str, int]] = field(default_factory=dict)
    gone: Counter[tuple[str, str]] = field(default_factory=Counter)
    _asked: int = 0

    async def try_(self, api: PlatformApi, method: str, path: str, said: object = None) -> Reply:
        """Ask for something that may be refused; what changes something has a key of its own."""
        self._asked += 1
        key = None if method in NOT_UNDER else f"theme-{self._asked}"
        return await api.insist(method, path, said, key=key)

    async def do(self, api: PlatformApi, method: str, path: str, said: object = None) -> Document:
        """Ask for something that must be possible.

        Raises: RefusedError.
        """
        reply = await self.try_(api, method, path, said)
        if reply.status >= REFUSED_FROM:
            raise RefusedError(f"{method} {path}: {reply.status} {reply.document}")
        return reply.document

    def hold(self, what: str, got: object, expected: object) -> None:
        """Hold what the platform says against what is known."""
        if got != expected:
            self.off.append(f"{what}: {got}, expected {expected}")

    def count(self, theme: str, **figures: int) -> None:
        """Count what a theme did."""
        self.counts.setdefault(theme, Counter()).update(figures)

    async def until(self, what: str, look: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something has come about; not for ever."""
        deadline = time.monotonic() + STUCK_S
        while not await look():
            if time.monotonic() > deadline:
                raise RefusedError(f"waited {STUCK_S:g} s in vain: {what}")
            await asyncio.sleep(LOOK_S)

    async def order(
        self,
        number: str,
        lines: Mapping[str, int],
        *,
        prices: Mapping[str, int] | None = None,
    ) -> Document:
        """Place an order of SKUs, by their codes; it must be taken."""
        reply = await self.order_try(number, lines, prices=prices)
        if reply.status >= REFUSED_FROM:
            raise RefusedError(f"{number}: {reply.status} {reply.document}")
        self.orders[number] = reply.document
        self.due_minor += reply.document["total_minor"]
        return reply.document

    async def order_try(
        self, number: str, lines: Mapping[str, int], *, prices: Mapping[str, int] | None = None
    ) -> Reply:
        """Place an order that may be refused; it counts only where ``order`` wrote it down."""
        document = {
            "number": number,
            "area_code": AREA,
            "recipient": recipient(len(self.orders)),
            "lines": [
                {"sku_id": self.skus[code], "quantity": quantity}
                | ({"unit_price_minor": prices[code]} if prices else {})
                for code, quantity in lines.items()
            ],
        }
        return await self.partner.insist("POST", "/v1/orders", document)

    async def order_now(self, number: str) -> Document:
        """Read an order as it stands now."""
        return await self.do(self.partner, "GET", f"/v1/orders/{self.orders[number]['id']}")

    async def children(self, number: str) -> list[Document]:
        """Read the child orders of an order as the partner sees them."""
        return list((await self.order_now(number))["children"])

    async def child(self, number: str) -> str:
        """Give the id of the only child order of an order."""
        [child] = await self.children(number)
        return str(child["id"])

    async def ship(self, child_id: str) -> Document:
        """Ship all that is left of a child order in one package."""
        path = f"/v1/supply/orders/{child_id}"
        child = await self.do(self.supplier, "GET", path)
        waybill = f"ZT{len(self.shipped):011}"
        lines = [{"line_no": x["line_no"], "quantity": x["quantity"]} for x in child["lines"]]
        said = {"carrier_code": "ZTO", "waybill_number": waybill, "lines": lines}
        package = await self.do(self.supplier, "POST", f"{path}:ship", said)
        cost_minor = sum(line["unit_cost_minor"] * line["quantity"] for line in child["lines"])
        self.shipped[child_id] = (package["shipped_at"], cost_minor)
        self.owed_minor += cost_minor
        for line in child["lines"]:
            self.gone[child["warehouse_id"], line["sku_id"]] += line["quantity"]
        return package

    async def parcel(self, package: Document, verb: str, said: object = None) -> Document:
        """Report what became of a package."""
        path = f"/v1/supply/packages/{package['id']}:{verb}"
        return await self.do(self.supplier, "POST", path, said)

    def cost_back(self, package: Document) -> int:
        """Take back what the supplier was owed for a package; says how much."""
        cost_minor = self.shipped[package["child_id"]][1]
        self.owed_minor -= cost_minor
        return cost_minor

    async def messages(self, api: PlatformApi, kind: str) -> list[Document]:
        """Read which unread messages are of a kind; they stay unread."""
        items = (await self.do(api, "GET", f"/v1/messages?types={kind}"))["items"]
        return list(items)


def recipient(index: int) -> Document:
    """Give somebody to send to."""
    people = sample.people()
    person = people[index % len(people)]
    return {"name": person.name, "phone": person.phone, "address": person.street}


def moment_text(at: datetime) -> str:
    """Write a moment as the API takes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def key_made(desk: Desk, party_id: str, scopes: Sequence[str], label: str) -> PlatformApi:
    """Have a key issued to a party; gives its own way to the platform."""
    said: dict[str, Any] = {
        "party_id": party_id,
        "kind": "hmac",
        "scopes": list(scopes),
        "label": label,
    }
    key = await desk.do(desk.operator, "POST", "/v1/operator/keys", said)
    return desk.api_of(Credentials(key["id"], key["secret"]))
