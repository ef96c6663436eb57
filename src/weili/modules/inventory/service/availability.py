"""Whether quantities of many goods can be had in areas, and when.

The rules of sourcing answer anything: bundles, what is kept for partners, an order divided over
warehouses, goods on their way. A look-up asks of a hundred SKUs many times a second, and nearly
always the first warehouse that serves the area has enough of plain goods, or nobody has any: that
is read off the shelves as they stand, named by places in the list of asks. All else is left to the
rules. A test holds the one way to the other.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from weili.kit import zone
from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.memory import Recall
from weili.modules import goods, regions
from weili.modules.goods import SkuId
from weili.modules.inventory.model import Availability, AvailabilityAsk
from weili.modules.inventory.rules.availability import (
    AreaServed,
    Prospects,
    availability_of,
    unseen,
)
from weili.modules.inventory.rules.book import SourcingBook
from weili.modules.inventory.rules.sourcing import Bundles
from weili.modules.inventory.service import access
from weili.modules.inventory.service.sourcing import sourcing_book_asked
from weili.modules.inventory.store import warehouses as store
from weili.modules.inventory.store.shelves import shelves

AREAS_MAX: Final = 4_000
"""Areas of which it is remembered who serves them; the country has some 3,000 districts. With a
hundred warehouses an area takes 24 kB, and there are a million codes that may be asked about."""
_SERVED: Final = b"inventory.served"


def availability(ctx: Ctx, *, asks: Sequence[AvailabilityAsk]) -> list[Availability]:
    """Say whether quantities can be had in areas, in the order of the asks, and when.

    Quantities are exact below 50 and then stand for "50 or more". A SKU that the asking partner
    does not see is answered as one that nobody has. Promises nothing: only an order reserves.
    Everything is asked for in one journey.

    Raises: Forbidden.
    """
    return availability_asked(
        ctx,
        recall=Recall.nothing(),
        sku_ids=[ask.sku_id for ask in asks],
        quantities=[ask.quantity for ask in asks],
        area_codes=[ask.area_code for ask in asks],
        days=[ask.on for ask in asks],
    )()


def availability_asked(
    ctx: Ctx,
    *,
    recall: Recall,
    sku_ids: Sequence[SkuId],
    quantities: Sequence[int],
    area_codes: Sequence[str],
    days: Sequence[date | None],
) -> Asked[list[Availability]]:
    """Ask what ``availability`` gives, without waiting for it.

    Raises: Forbidden.
    """
    partner_id = access.require(ctx, "stock:read")
    if partner_id is None:
        asks = list(map(AvailabilityAsk, sku_ids, quantities, area_codes, days))
        return lambda: availability_by_rules(ctx, partner_id=None, asks=asks)
    with ctx.db.pipeline():
        seen_asked = goods.skus_seen_asked(
            ctx, recall=recall, partner_id=partner_id, sku_ids=sku_ids
        )
        served_asked = _served(ctx, recall=recall, area_codes=list(dict.fromkeys(area_codes)))
        shelves_asked = shelves(ctx, recall=recall, sku_ids=sku_ids)

    def answer() -> list[Availability]:
        served = served_asked()
        answers = [served[area_code].nothing for area_code in area_codes]
        lying = shelves_asked()
        left = []
        for place, _, is_bundle in seen_asked():
            told = None
            counts, is_kept, is_coming = lying[place]
            if not is_bundle and not is_kept:
                told = served[area_codes[place]].at_once(
                    counts, quantities[place], is_coming=is_coming
                )
            if told is None:
                left.append(place)
            else:
                answers[place] = told
        asks = [
            AvailabilityAsk(sku_ids[place], quantities[place], area_codes[place], days[place])
            for place in left
        ]
        decided = availability_by_rules(ctx, partner_id=partner_id, asks=asks) if asks else ()
        for place, told in zip(left, decided, strict=True):
            answers[place] = told
        return answers

    return answer


def _served(
    ctx: Ctx, *, recall: Recall, area_codes: Sequence[str]
) -> Asked[Mapping[str, AreaServed]]:
    """Read who serves each area, which is remembered for the minute: so days and hours pass."""
    minute = int(ctx.now.timestamp()) // 60
    key = store.COVERAGE_ID.bytes

    def remembered() -> Mapping[str, AreaServed]:
        [known] = recall.found(_SERVED, [key])
        return {} if known is None or known[0] != minute else known[1]

    known = remembered()
    served = {code: known[code] for code in area_codes if code in known}
    missing = [code for code in area_codes if code not in served]
    if not missing:
        return lambda: served
    rows = store.coverage_of(ctx, region_codes=regions.codes_above(missing))

    def read() -> Mapping[str, AreaServed]:
        book = SourcingBook(now=ctx.now, coverage=rows(), stock=())
        fresh = {code: AreaServed(book, code) for code in missing}
        # Others of the group have read areas meanwhile. Where there are too many, it begins anew.
        together = {**remembered(), **fresh}
        recall.keep(_SERVED, {key: (minute, together if len(together) <= AREAS_MAX else fresh)})
        served.update(fresh)
        return served

    return read


def availability_by_rules(
    ctx: Ctx, *, partner_id: PartyId | None, asks: Sequence[AvailabilityAsk]
) -> list[Availability]:
    """Answer as orders are sourced, in the order of the asks."""
    sku_ids = list({ask.sku_id for ask in asks})
    with ctx.db.pipeline():
        seen = None
        if partner_id is not None:
            pairs = [(partner_id, sku_id) for sku_id in sku_ids]
            seen = goods.skus_visible_asked(ctx, pairs=pairs)
        book_asked = sourcing_book_asked(
            ctx, area_codes=[ask.area_code for ask in asks], sku_ids=sku_ids, lock=False
        )
        prospects_asked = store.prospects_of(ctx, sku_ids=sku_ids)
    offers = None if seen is None else seen()
    if offers is None:
        parts = goods.bundle_parts(ctx, sku_ids=sku_ids)
    else:
        parts = {offer.sku_id: offer.parts for offer in offers.values() if offer.parts}
    bundles: Bundles = {
        sku_id: [(part.sku_id, part.quantity) for part in made_of]
        for sku_id, made_of in parts.items()
    }
    book = book_asked()
    prospects = Prospects(prospects_asked(), today=zone.day_of(ctx.now))
    return [
        unseen(book, ask)
        if offers is not None and partner_id is not None and (partner_id, ask.sku_id) not in offers
        else availability_of(book, prospects, ask, partner_id=partner_id, bundles=bundles)
        for ask in asks
    ]
