"""Goods: proposed, sent back, published, found; and prices that change when their time comes."""

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import quote

from weili import sample
from weili.entrypoints.cli.demo.reading import PAGE, pages_read
from weili.entrypoints.cli.demo.themes.desk import FAR, NEAR, Desk, moment_text
from weili.entrypoints.cli.demo.trade import Document

TEA, CUP, SET = "QL-TEA", "QL-CUP", "QL-SET"
TITLES: Final = {TEA: "青岚明前绿茶", CUP: "青岚手作陶杯", SET: "青岚品茗礼盒"}
COSTS: Final = {TEA: 1_800, CUP: 1_100, SET: 4_500}
PRICES: Final = {TEA: 2_900, CUP: 1_900, SET: 6_900}
PARTS: Final = {TEA: 2, CUP: 1}
TEA_LATER: Final = 3_100
STOCK: Final = {(NEAR, TEA): 60, (NEAR, CUP): 30, (FAR, TEA): 40}
CUP_LOW: Final = 20
CONFIDENT: Final = 0.9
PEOPLE: Final = 12
HOUR_S: Final = 3_600


async def proposed_and_published(desk: Desk) -> None:
    """A supplier proposes three goods, one is sent back and mended; all are published."""
    ask = desk.operator
    category = await desk.do(ask, "POST", "/v1/operator/categories", {"name": "茶器"})
    category_id = category["items"][0]["id"]
    attribute = {"name": "产地", "kind": "text", "is_required": True}
    path = f"/v1/operator/categories/{category_id}/template"
    await desk.do(ask, "PUT", path, {"attributes": [attribute]})
    ids = {code: await _proposed(desk, category_id, code, TITLES[code]) for code in (TEA, CUP)}
    said = {"reason": "标题请写明季节"}
    await desk.do(ask, "POST", f"/v1/operator/goods-revisions/{ids[TEA]}:return", said)
    back = await desk.do(desk.supplier, "GET", f"/v1/supply/goods-revisions/{ids[TEA]}")
    desk.hold("a proposal that was sent back", back["state"], "draft")
    await _proposed(desk, category_id, TEA, f"{TITLES[TEA]} 新季")
    await _published(desk, list(ids.values()))
    # A bundle names its parts, which must be known goods.
    await _published(desk, [await _proposed(desk, category_id, SET, TITLES[SET])])
    desk.count("goods", proposed=3, sent_back=1, published=len(desk.skus))
    prices = [
        {"sku_id": desk.skus[code], "unit_price_minor": price} for code, price in PRICES.items()
    ]
    path = f"/v1/operator/price-lists/{desk.list_id}/prices"
    await desk.do(ask, "PUT", path, {"prices": prices})
    rows = [
        {
            "sku_id": desk.skus[code],
            "warehouse_id": desk.houses[house],
            "on_hand": count,
            "low_below": CUP_LOW if code == CUP else 0,
        }
        for (house, code), count in STOCK.items()
    ]
    await desk.do(desk.supplier, "POST", "/v1/supply/stock:update", {"rows": rows})


async def _proposed(desk: Desk, category_id: str, code: str, title: str) -> str:
    parts = [{"supplier_code": part, "quantity": count} for part, count in PARTS.items()]
    sku: Document = {"supplier_code": code, "unit_cost_minor": COSTS[code]}
    if code == SET:
        sku["parts"] = parts
    said = {
        "title": title,
        "category_id": category_id,
        "attributes": {"产地": "杭州"},
        "skus": [sku],
    }
    made = await desk.do(desk.supplier, "PUT", f"/v1/supply/goods/{code}", said)
    path = f"/v1/supply/goods-revisions/{made['id']}:submit"
    await desk.do(desk.supplier, "POST", path)
    return str(made["id"])


async def _published(desk: Desk, revision_ids: list[str]) -> None:
    path = "/v1/operator/goods-revisions:publish"
    done = await desk.do(desk.operator, "POST", path, {"revision_ids": revision_ids})
    for result in done["results"]:
        desk.hold(f"publishing {result['revision_id']}", result["status"], "published")
        desk.skus |= result.get("sku_ids", {})


async def searched_and_followed(desk: Desk) -> None:
    """The partner follows the feed, is given the new goods once, and finds them by words."""
    there = await pages_read(desk.partner, f"/v1/skus?limit={PAGE}")
    shown: set[str] = set()
    after = ""

    async def all_shown() -> bool:
        nonlocal after
        items, after = await _feed(desk, after)
        shown.update(item["sku_id"] for item in items)
        return shown >= {sku["id"] for sku in there}

    await desk.until("the feed tells of the goods that the partner was given", all_shown)
    path = f"/v1/operator/pools/{desk.pool_id}/skus"
    await desk.do(desk.operator, "PUT", path, {"put": sorted(desk.skus.values())})
    told: list[Document] = []
    mine = set(desk.skus.values())

    async def all_told() -> bool:
        nonlocal after
        items, after = await _feed(desk, after)
        told.extend(items)
        return {item["sku_id"] for item in told} >= mine

    await desk.until("the feed tells of new goods", all_told)
    prices = {item["sku_id"]: item["unit_price_minor"] for item in told}
    expected = {desk.skus[code]: price for code, price in PRICES.items()}
    desk.hold("the feed's prices", prices, expected)

    async def found(words: str, count: int) -> bool:
        path = f"/v1/search/skus?q={quote(words)}"
        return bool((await desk.do(desk.partner, "GET", path))["count"] == count)

    for words, count in (("青岚", len(TITLES)), (TITLES[CUP], 1)):
        await desk.until(f"the search finds {words}", partial(found, words, count))
    desk.count("catalogue", shown_at_first=len(shown), new=len(prices), searches=2)


async def _feed(desk: Desk, after: str) -> tuple[list[Document], str]:
    items: list[Document] = []
    while True:
        query = f"?after={quote(after)}" if after else ""
        page = await desk.do(desk.partner, "GET", f"/v1/feed/skus{query}")
        items += page["items"]
        after = page["next_after"]
        if not page["has_more"]:
            return items, after


async def addresses_resolved(desk: Desk) -> None:
    """Addresses as people write them, each with a name and a number, become area codes."""
    people = sample.people()[:PEOPLE]
    texts = [f"{p.name} {p.phone} {p.province}{p.city}{p.county}{p.street}" for p in people]
    said = {"items": [{"text": text} for text in texts]}
    found = (await desk.do(desk.partner, "POST", "/v1/addresses:resolve", said))["items"]
    right = [
        one["county_code"] == person.area_code
        and one["confidence"] >= CONFIDENT
        and (one["name"], one["phone"]) == (person.name, person.phone)
        for one, person in zip(found, people, strict=True)
    ]
    desk.hold("addresses that were understood", right.count(True), len(people))
    desk.count("addresses", written=len(people), understood=right.count(True))


async def price_changed_ahead(desk: Desk) -> None:
    """A price set for later holds from its moment on, once, and an order at the old is refused."""
    now = await desk.turn(1)
    said = {
        "prices": [{"sku_id": desk.skus[TEA], "unit_price_minor": TEA_LATER}],
        "valid_from": moment_text(now + timedelta(seconds=HOUR_S)),
        "note": "demo: 新季调价",
    }
    path = f"/v1/operator/price-lists/{desk.list_id}/changes"
    change = await desk.do(desk.operator, "POST", path, said)
    desk.hold("a price change ahead", change["state"], "scheduled")
    await desk.order("T-price-1", {TEA: 1}, prices=PRICES)
    await desk.turn(HOUR_S)
    refused = await desk.order_try("T-price-2", {TEA: 1}, prices=PRICES)
    desk.hold("an order at the old price", refused.code, "price_changed")
    order = await desk.order("T-price-2", {TEA: 1}, prices={TEA: TEA_LATER})
    desk.hold("the price of an order after the change", order["goods_minor"], TEA_LATER)

    async def told() -> bool:
        return bool(await _told(desk))

    await desk.until("the change is told", told)
    desk.count("prices", scheduled=1, at_old=1, refused_at_old=1, at_new=1)


async def _told(desk: Desk) -> list[Document]:
    return [
        message
        for message in await desk.messages(desk.partner, "price.changed")
        for price in message["data"]["prices"]
        if price["sku_id"] == desk.skus[TEA] and price["unit_price_minor"] == TEA_LATER
    ]


async def bundles_sold(desk: Desk) -> None:
    """A bundle is sold beside its parts; what can be had of these falls by all of it."""
    before = await _levels(desk)
    for number in ("T-set-1", "T-set-2"):
        await desk.order(number, {SET: 1, TEA: 1})
    taken = Counter(before)
    taken.subtract(await _levels(desk))
    expected = {TEA: 2 * (PARTS[TEA] + 1), CUP: 2 * PARTS[CUP]}
    desk.hold("pieces that bundles and parts took", dict(taken), expected)
    desk.count("bundles", orders=2, bundles=2, tea_taken=taken[TEA], cups_taken=taken[CUP])


async def _levels(desk: Desk) -> dict[str, int]:
    """Say how many of the parts no order has taken in the near warehouse."""
    levels = await places(desk, [(NEAR, TEA), (NEAR, CUP)])
    return {code: level["on_hand"] - level["reserved"] for (_, code), level in levels.items()}


async def places(desk: Desk, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], Document]:
    """Read places of stock: a row that changes nothing is answered with its place."""
    rows = [
        {"sku_id": desk.skus[code], "warehouse_id": desk.houses[house]} for house, code in wanted
    ]
    done = await desk.do(desk.supplier, "POST", "/v1/supply/stock:update", {"rows": rows})
    return {place: item["level"] for place, item in zip(wanted, done["items"], strict=True)}
