"""What a partner pays for many goods at once.

Orders are priced by the ``PriceBook``, which knows every moment. A look-up asks the same of a
hundred SKUs many times a second, and nearly always of prices that nobody is about to change: for
these the tiers are read as they stand, named by places in the list of asks. Goods of which a
change is to come or in force are left to the book. A test holds the one way to the other.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeVar, cast

from weili.kit.context import Ctx, PartyId
from weili.kit.gathering import ended
from weili.kit.ids import IdList, id_keys
from weili.kit.memory import Recall
from weili.modules import goods
from weili.modules.goods import SkuId
from weili.modules.pricing import books, rules
from weili.modules.pricing.model import PriceAsk, PriceQuote
from weili.modules.pricing.store import compare, prices

_NONE: Final = PriceQuote(None, ())
_SEEN, _UNSEEN = b"seen", b"unseen"
F = TypeVar("F")


def prices_of(ctx: Ctx, *, partner_id: PartyId, asks: Sequence[PriceAsk]) -> list[PriceQuote]:
    """Answer what a partner pays, in the order of the asks.

    A SKU that the partner does not see has no price, as has one without any.

    Raises: Forbidden.
    """
    return ended(
        prices_steps(
            ctx,
            recall=Recall.nothing(),
            partner_id=partner_id,
            sku_ids=[ask.sku_id for ask in asks],
            quantities=[ask.quantity for ask in asks],
            form=lambda _, quote: quote,
        )
    )


def prices_steps(
    ctx: Ctx,
    *,
    recall: Recall,
    partner_id: PartyId,
    sku_ids: Sequence[SkuId],
    quantities: Sequence[int],
    form: Callable[[int, PriceQuote], F],
) -> Generator[None, None, list[F]]:
    """Do what ``prices_of`` does in steps that ask, and tell each quote in some form.

    What nobody is about to change is remembered in that form, for all who pay by the same lists:
    ``form``, which is given the place of the SKU, must not depend on who asks, and who recalls
    from one memory tells in one form.

    Raises: Forbidden.
    """
    ctx.require("prices:read")
    seen_asked = goods.skus_seen_asked(ctx, recall=recall, partner_id=partner_id, sku_ids=sku_ids)
    lists = prices.chain(ctx, recall=recall, partner_id=partner_id)
    yield
    tax_rates_bps: dict[int, int] = {place: rate for place, rate, _ in seen_asked()}
    paying = _SEEN + prices.chain_key(lists)
    kinds = [
        (paying if place in tax_rates_bps else _UNSEEN) + quantity.to_bytes(8)
        for place, quantity in enumerate(quantities)
    ]
    keys = id_keys(sku_ids)
    told: list[F | None] = recall.each(kinds, keys)
    missing = [place for place, known in enumerate(told) if known is None]
    if not missing:
        return cast("list[F]", told)
    those = cast("Sequence[SkuId]", IdList.of([keys[place] for place in missing]))
    ladders_asked = prices.ladders(ctx, lists=lists, sku_ids=those)
    yield
    fresh: dict[bytes, dict[bytes, F]] = {}
    changing = []
    for place, ladder in zip(missing, ladders_asked(), strict=True):
        quote = _NONE
        if place in tax_rates_bps:
            if ladder is None:
                changing.append(place)
                continue
            tiers, shown = ladder
            price = rules.tier_reached(tiers, quantities[place])
            quote = PriceQuote(price, tiers, tax_rates_bps[place], None, shown)
        told[place] = fresh.setdefault(kinds[place], {})[keys[place]] = form(place, quote)
    for kind, known_by_key in fresh.items():
        recall.keep(kind, known_by_key)
    if changing:
        asks = [PriceAsk(sku_ids[place], quantities[place]) for place in changing]
        quotes = prices_by_book(ctx, partner_id=partner_id, asks=asks)
        for place, quote in zip(changing, quotes, strict=True):
            told[place] = form(place, quote)
    return cast("list[F]", told)


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
