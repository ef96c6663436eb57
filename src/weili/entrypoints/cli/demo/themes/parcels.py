"""The life of orders by hand: printed, refused, stopped, sent back, lost, and told by carriers."""

from datetime import timedelta
from typing import Any, Final

from weili.entrypoints.cli.demo.themes.desk import (
    AREA_ELSEWHERE,
    FAR,
    NEAR,
    Desk,
    moment_text,
    recipient,
)
from weili.entrypoints.cli.demo.themes.goods import CUP, PARTS, SET, STOCK, TEA, places
from weili.entrypoints.cli.demo.trade import Document

ELSEWHERE: Final = ("T-elsewhere-1", "T-elsewhere-2")
SHORT: Final = ("T-short-1", "T-short-2")
NOBODY: Final = ("T-nobody-1",)
STOPPED: Final = ("T-stopped-1", "T-stopped-2")
NOT_STOPPED: Final = ("T-goes-on-1",)
UNWANTED: Final = ("T-unwanted-1", "T-unwanted-2")
LOST: Final = ("T-lost-1",)
AGAIN: Final = ("T-again-1",)
ADDRESS: Final = "T-address-1"
TRACKED: Final = tuple(f"T-tracked-{number}" for number in range(1, 9))
WAVE: Final = 100
WEEK_S: Final = 8 * 86_400
COMPLETED, CANCELLED = "completed", "cancelled"
PDF: Final = b"%PDF"
OVER: Final = frozenset({COMPLETED, CANCELLED, "refunded"})


async def all_placed(desk: Desk) -> None:
    """The partner places what the rest tells of; one of the orders then goes elsewhere."""
    for number in (*ELSEWHERE, *STOPPED, *NOT_STOPPED, *LOST, *AGAIN, ADDRESS, *TRACKED):
        await desk.order(number, {TEA: 2 if number in ELSEWHERE else 1})
    for number in SHORT:
        await desk.order(number, {CUP: 3})
    for number in (*NOBODY, *UNWANTED):
        await desk.order(number, {CUP: 1})
    before = desk.orders[ADDRESS]
    path = f"/v1/orders/{before['id']}:changeAddress"
    said = {"area_code": AREA_ELSEWHERE, "recipient": recipient(1)}
    after = await desk.do(desk.partner, "POST", path, said)
    desk.hold("the area of an order that goes elsewhere", after["area_code"], AREA_ELSEWHERE)
    more_minor = after["freight_minor"] - before["freight_minor"]
    desk.due_minor += more_minor
    desk.count("address", changed=1, freight_more_minor=more_minor)


async def papers_printed(desk: Desk) -> None:
    """The supplier prints what waits, and nobody can be called from the waybills."""
    waiting: list[Document] = []

    async def all_wait() -> bool:
        nonlocal waiting
        path = "/v1/supply/orders?limit=100"
        waiting = (await desk.do(desk.supplier, "GET", path))["items"]
        return len(waiting) == len(desk.orders)

    await desk.until("all orders wait for their supplier", all_wait)
    for child in waiting:
        await desk.do(desk.supplier, "POST", f"/v1/supply/orders/{child['id']}:take")
    wave = {"warehouse_id": desk.houses[NEAR], "limit": WAVE}
    bills = {"child_ids": [child["id"] for child in waiting]}
    picked = await desk.do(desk.supplier, "POST", "/v1/supply/papers:pickList", wave)
    sheet = {row["sku_id"]: row["quantity"] for row in picked["skus"]}
    desk.hold("the pick list", sheet, _asked(desk))
    shown = await desk.do(desk.supplier, "POST", "/v1/supply/papers:waybills", bills)
    known = {recipient(index)["phone"] for index in range(len(desk.orders))}
    clear = [one for one in shown["items"] if one["recipient"]["phone"] in known]
    desk.hold("telephone numbers in clear on waybills", len(clear), 0)
    desk.hold("waybills", len(shown["items"]), len(waiting))
    for paper, said in (("pickList", wave), ("waybills", bills)):
        path = f"/v1/supply/papers:{paper}"
        printed = await desk.try_(desk.supplier, "POST", path, {**said, "format": "pdf"})
        desk.hold(f"{paper} as pages", printed.body.startswith(PDF), expected=True)
    desk.count(
        "papers",
        pick_lists=1,
        pieces_to_pick=sum(sheet.values()),
        waybills=len(waiting),
        in_clear=0,
    )


def _asked(desk: Desk) -> dict[str, int]:
    """Count what all orders ask for, bundles as their parts."""
    parts = {desk.skus[SET]: {desk.skus[code]: count for code, count in PARTS.items()}}
    asked: dict[str, int] = {}
    for order in desk.orders.values():
        for child in order["children"]:
            for line in child["lines"]:
                sku_id = line["sku_id"]
                for part, count in parts.get(sku_id, {sku_id: 1}).items():
                    asked[part] = asked.get(part, 0) + count * line["quantity"]
    return asked


async def refused_by_supplier(desk: Desk) -> None:
    """What the near warehouse can't send comes from the far one, or is short and given back."""
    for number in ELSEWHERE:
        state = await _refuse(desk, await desk.child(number))
        desk.hold(f"{number} after its supplier refused", state, "split")
        [child] = await desk.children(number)
        desk.hold(f"{number} is sent from", child["warehouse_id"], desk.houses[FAR])
        await desk.do(desk.supplier, "POST", f"/v1/supply/orders/{child['id']}:take")
    for number in SHORT:
        lines = [{"line_no": 1, "quantity": 1}]
        await _refuse(desk, await desk.child(number), lines)
    for number in NOBODY:
        state = await _refuse(desk, await desk.child(number))
        desk.hold(f"{number} that nobody has", state, CANCELLED)
    back_minor = 0
    for number in (*SHORT, *NOBODY):
        for child in await desk.children(number):
            if child["state"] == CANCELLED:
                back_minor += child["goods_minor"] + child["freight_minor"]
    desk.due_minor -= back_minor
    desk.count(
        "refusals",
        sent_from_elsewhere=len(ELSEWHERE),
        short=len(SHORT),
        cancelled=len(NOBODY),
        back_minor=back_minor,
    )


async def _refuse(desk: Desk, child_id: str, lines: list[Document] | None = None) -> str:
    said: Document = {"reason": "demo: 破损"} | ({"lines": lines} if lines else {})
    path = f"/v1/supply/orders/{child_id}:refuse"
    return str((await desk.do(desk.supplier, "POST", path, said))["state"])


async def shipped_and_told(desk: Desk) -> None:
    """All that is left ships; some of it is stopped, sent back or lost; carriers tell the rest."""
    packages: dict[str, Document] = {}
    for number in desk.orders:
        for child in await desk.children(number):
            if child["state"] != CANCELLED:
                packages[number] = await desk.ship(child["id"])
    for number in (*STOPPED, *NOT_STOPPED):
        path = f"/v1/orders/{desk.orders[number]['id']}:intercept"
        await desk.do(desk.partner, "POST", path, {})
    for number in STOPPED:
        await desk.parcel(packages[number], "intercepted")
    for number in NOT_STOPPED:
        await desk.parcel(packages[number], "notIntercepted")
    for number in UNWANTED:
        await desk.parcel(packages[number], "refused")
    for number in (*STOPPED, *UNWANTED):
        await _back(desk, packages[number], is_good=number != UNWANTED[-1])
    desk.count("intercepts", asked=len(STOPPED + NOT_STOPPED), stopped=len(STOPPED))
    desk.count("unwanted", sent_back=len(UNWANTED), damaged=1)
    for number in LOST:
        await desk.parcel(packages[number], "lost", {"outcome": "refund"})
        desk.cost_back(packages[number])
        desk.due_minor -= desk.orders[number]["total_minor"]
    for number in AGAIN:
        await desk.parcel(packages[number], "lost", {"outcome": "send_again"})
        desk.cost_back(packages[number])
        live = [one for one in await desk.children(number) if one["state"] != "refunded"]
        desk.hold(f"child orders that replace {number}", len(live), 1)
        await desk.do(desk.supplier, "POST", f"/v1/supply/orders/{live[0]['id']}:take")
        packages[number] = await desk.ship(live[0]["id"])
    desk.count("lost", refunded=len(LOST), sent_again=len(AGAIN))
    over = {*STOPPED, *UNWANTED, *LOST}
    await _tracked(desk, [package for number, package in packages.items() if number not in over])


async def _back(desk: Desk, package: Document, *, is_good: bool) -> None:
    """Report that a package is back: its goods' amount is the partner's again, not the freight."""
    condition = "good" if is_good else "damaged"
    await desk.parcel(package, "returned", {"condition": condition})
    desk.cost_back(package)
    for order in desk.orders.values():
        for child in order["children"]:
            if child["id"] == package["child_id"]:
                desk.due_minor -= child["goods_minor"]
                if is_good:
                    for line in child["lines"]:
                        desk.gone[child["warehouse_id"], line["sku_id"]] -= line["quantity"]


async def _tracked(desk: Desk, packages: list[Document]) -> None:
    """Carriers tell of parcels twice and the last thing first; each arrives once."""
    now = await desk.turn(1)
    parcels: list[dict[str, Any]] = [
        {
            "waybill_number": package["waybill_number"],
            "events": [
                {
                    "event_id": f"{package['waybill_number']}-{kind}",
                    "kind": kind,
                    "occurred_at": moment_text(now - timedelta(minutes=minutes)),
                }
                for kind, minutes in (("delivered", 1), ("in_transit", 20), ("picked_up", 30))
            ],
        }
        for package in packages
    ]
    for _ in range(2):
        said = {"carrier_code": "ZTO", "parcels": parcels}
        told = await desk.do(desk.carrier, "POST", "/v1/tracks:push", said)
        desk.hold("parcels that carriers know and we do not", told["unknown"], [])
    order = desk.orders[TRACKED[0]]

    async def arrived() -> bool:
        states = [(await desk.order_now(number))["state"] for number in TRACKED]
        return set(states) == {"delivered"}

    await desk.until("carriers' tracks deliver", arrived)
    ways = await desk.do(desk.partner, "GET", f"/v1/orders/{order['id']}/tracks")
    kinds = [track["kind"] for track in ways["packages"][0]["tracks"]]
    desk.hold("a parcel's way", kinds, ["picked_up", "in_transit", "delivered"])
    desk.count("tracks", parcels=len(packages), told=6 * len(packages))


async def all_over(desk: Desk) -> None:
    """A week later every order is over, and what is left on the shelves is what it must be."""
    await desk.turn(WEEK_S)
    states: dict[str, str] = {}

    async def is_over() -> bool:
        for number in desk.orders:
            if states.get(number) not in OVER:
                states[number] = (await desk.order_now(number))["state"]
        return set(states.values()) <= OVER

    await desk.until("all orders are over", is_over)
    ends = list(states.values())
    desk.count("orders", placed=len(states), **{end: ends.count(end) for end in sorted(OVER)})
    levels = await places(desk, list(STOCK))
    gone = _gone(desk)
    for (house, code), there in STOCK.items():
        level = levels[house, code]
        left = there - gone.get((desk.houses[house], desk.skus[code]), 0)
        got = (level["on_hand"], level["reserved"])
        desk.hold(f"{code} in the {house} warehouse", got, (left, 0))
    low = await desk.messages(desk.supplier, "stock.low")
    desk.hold("alarms of low stock", [one["data"]["sku_id"] for one in low], [desk.skus[CUP]])
    desk.count("stock", places=len(STOCK), low_told=len(low))


def _gone(desk: Desk) -> dict[tuple[str, str], int]:
    """Say what has left each place and not come back good, bundles as their parts."""
    gone: dict[tuple[str, str], int] = {}
    for (house, sku_id), count in desk.gone.items():
        parts = {desk.skus[c]: n for c, n in PARTS.items()} if sku_id == desk.skus[SET] else {}
        for part, each in (parts or {sku_id: 1}).items():
            gone[house, part] = gone.get((house, part), 0) + count * each
    return gone
