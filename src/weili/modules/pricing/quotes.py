"""What a partner pays for many goods at once.

Orders are priced by the ``PriceBook``, which knows every moment. A look-up asks the same of a
hundred SKUs many times a second, and nearly always of prices that nobody is about to change: for
these the tiers are read as they stand, named by places in the list of asks. Goods of which a
change is to come or in force are left to the book. A test holds the one way to the other.
"""

from collections.abc import Sequence
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.memory import Recall
from weili.modules import goods
from weili.modules.goods import SkuId
from weili.modules.pricing import books, rules
from weili.modules.pricing.model import PriceAsk, PriceQuote
from weili.modules.pricing.store import compare, prices

_NONE: Final = PriceQuote(None, ())


def prices_of(ctx: Ctx, *, partner_id: PartyId, asks: Sequence[PriceAsk]) -> list[PriceQuote]:
    """Answer what a partner pays, in the order of the asks.

    A SKU that the partner does not see has no price, as has one without any.

    Raises: Forbidden.
    """
    return prices_asked(
        ctx,
        recall=Recall.nothing(),
        partner_id=partner_id,
        sku_ids=[ask.sku_id for ask in asks],
        quantities=[ask.quantity for ask in asks],
    )()


def prices_asked(
    ctx: Ctx,
    *,
    recall: Recall,
    partner_id: PartyId,
    sku_ids: Sequence[SkuId],
    quantities: Sequence[int],
) -> Asked[list[PriceQuote]]:
    """Ask what ``prices_of`` gives, without waiting for it.

    Raises: Forbidden.
    """
    ctx.require("prices:read")
    # All that is not remembered is asked before the first answer is waited for: one journey.
    with ctx.db.pipeline():
        seen_asked = goods.skus_seen_asked(
            ctx, recall=recall, partner_id=partner_id, sku_ids=sku_ids
        )
        ladders_asked = prices.ladders(ctx, recall=recall, partner_id=partner_id, sku_ids=sku_ids)

    def answer() -> list[PriceQuote]:
        ladders = ladders_asked()
        quotes = [_NONE] * len(sku_ids)
        changing = []
        for place, tax_rate_bps, _ in seen_asked():
            ladder = ladders[place]
            if ladder is None:
                changing.append(place)
                continue
            tiers, shown = ladder
            price = rules.tier_reached(tiers, quantities[place])
            quotes[place] = PriceQuote(price, tiers, tax_rate_bps, None, shown)
        if changing:
            asks = [PriceAsk(sku_ids[place], quantities[place]) for place in changing]
            for place, quote in zip(
                changing, prices_by_book(ctx, partner_id=partner_id, asks=asks), strict=True
            ):
                quotes[place] = quote
        return quotes

    return answer


def prices_by_book(ctx: Ctx, *, partner_id: PartyId, asks: Sequence[PriceAsk]) -> list[PriceQuote]:
    """Answer what a partner pays as its orders are priced, in the order of the asks."""
    sku_ids = [ask.sku_id for ask in asks]
    with ctx.db.pipeline():
        visible_asked = goods.skus_visible_asked(
            ctx, pairs=[(partner_id, sku_id) for sku_id in sku_ids]
        )
        book_asked = books.price_book_asked(ctx, partner_ids=[partner_id], sku_ids=sku_ids)
        shown_asked = compare.compare_at_standing(ctx, sku_ids=sku_ids)
    offers, book, shown = visible_asked(), book_asked(), shown_asked()
    quotes = []
    for sku_id, quantity in ((ask.sku_id, ask.quantity) for ask in asks):
        offer = offers.get((partner_id, sku_id))
        quotes.append(
            _NONE
            if offer is None
            else PriceQuote(
                book.unit_price(partner_id, sku_id, quantity),
                book.tiers(partner_id, sku_id),
                offer.tax_rate_bps,
                book.valid_until(partner_id, sku_id, quantity),
                shown.get(sku_id),
            )
        )
    return quotes
