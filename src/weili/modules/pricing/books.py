"""The price book, and who is told when a price in it changes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.gathering import gather
from weili.kit.ids import id_text, ids_sorted
from weili.kit.money import CURRENCY
from weili.modules import goods
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.pricing import rules
from weili.modules.pricing.model import (
    CHANGED_MAX,
    LIST_PREFIX,
    PRICE_CHANGED,
    ListId,
    Price,
    TierKey,
    UnitPrice,
)
from weili.modules.pricing.rules import PriceBook
from weili.modules.pricing.store import costs as cost_store
from weili.modules.pricing.store import prices as store


def price_book(ctx: Ctx, *, partner_ids: Sequence[PartyId], sku_ids: Sequence[SkuId]) -> PriceBook:
    """Read the prices and costs that a batch of orders needs, in one statement."""
    return price_book_asked(ctx, partner_ids=partner_ids, sku_ids=sku_ids)()


def price_book_asked(
    ctx: Ctx, *, partner_ids: Sequence[PartyId], sku_ids: Sequence[SkuId]
) -> Asked[PriceBook]:
    """Ask what ``price_book`` gives, without waiting for it."""
    rows = store.book_rows(ctx, partner_ids=list(set(partner_ids)), sku_ids=list(set(sku_ids)))
    return lambda: rules.price_book_of(now=ctx.now, **rows()._asdict())


def unit_prices_asked(
    ctx: Ctx, *, partner_id: PartyId, sku_ids: Sequence[SkuId]
) -> Asked[Sequence[UnitPrice | None]]:
    """Ask what a partner pays for one piece now; without a price, None.

    It says what the book says, for a fraction of its cost.
    """
    return gather(ctx, store.unit_prices, [(partner_id, sku_id) for sku_id in sku_ids])


def cost_book(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> PriceBook:
    """Read what suppliers are owed, in a book without prices."""
    costs = cost_store.costs_read(ctx, sku_ids)
    return rules.price_book_of(now=ctx.now, lists=(), prices=(), costs=costs)


def seeing_book(
    ctx: Ctx, sku_ids: Iterable[SkuId], *, also: Sequence[ListId] = ()
) -> tuple[dict[SkuId, frozenset[PartyId]], PriceBook]:
    """Read which partners see some SKUs, and the book of those partners."""
    asked = ids_sorted(sku_ids)
    seeing = goods.partners_seeing(ctx, sku_ids=asked)
    if not (seeing or also):
        # So it is with goods that are only being put in; a sheet has thousands of them.
        return {}, rules.price_book_of(now=ctx.now, lists=(), prices=())
    partner_ids = sorted(frozenset().union(*seeing.values()))
    rows = store.book_rows(ctx, partner_ids=partner_ids, sku_ids=asked, also=also)
    return dict(seeing), rules.price_book_of(now=ctx.now, **rows()._asdict())


def prices_set_tell(
    ctx: Ctx, list_id: ListId, changed: Sequence[tuple[SkuId, int, int, int]]
) -> None:
    """Tell each partner of the prices that were set and that it pays from now on.

    ``changed`` are (SKU, quantity_min, price, version). Under a price for a time a change is not
    felt; what is paid after it is told when it is over.
    """
    seeing, book = seeing_book(ctx, [sku_id for sku_id, _, _, _ in changed])
    versions = {
        TierKey(list_id, sku_id, quantity_min): version
        for sku_id, quantity_min, _, version in changed
        if sku_id in seeing
    }
    keys = sorted(versions)
    told = [
        (key, tier)
        for key in keys
        if (tier := book.tier(key)) is not None and tier.version == versions[key]
    ]
    _tell(ctx, list_id, told, seeing, book)


def prices_begun_tell(ctx: Ctx, list_id: ListId, keys: Sequence[TierKey]) -> None:
    """Tell each partner of the tiers that are now by a change that has just begun."""
    seeing, book = seeing_book(ctx, [key.sku_id for key in keys])
    told = [(key, tier) for key in keys if (tier := book.tier(key)) is not None]
    _tell(ctx, list_id, told, seeing, book)


def prices_over_tell(ctx: Ctx, list_id: ListId, keys: Sequence[TierKey]) -> None:
    """Tell each partner what is paid now that prices for a time are over.

    Where the next change takes over at once, its own beginning tells it.
    """
    seeing, book = seeing_book(ctx, [key.sku_id for key in keys])
    told = [(key, book.tier(key)) for key in keys if not book.is_windowed(key)]
    _tell(ctx, list_id, told, seeing, book)


def _tell(
    ctx: Ctx,
    list_id: ListId,
    told: Sequence[tuple[TierKey, Price | None]],
    seeing: dict[SkuId, frozenset[PartyId]],
    book: PriceBook,
) -> None:
    felt: dict[PartyId, list[tuple[TierKey, Price | None]]] = {}
    for key, tier in told:
        for partner_id in seeing.get(key.sku_id, frozenset()):
            if book.is_felt(partner_id, key):
                felt.setdefault(partner_id, []).append((key, tier))
    for partner_id in sorted(felt):
        for prices in _messages_of(felt[partner_id]):
            ctx.announce(
                PRICE_CHANGED,
                party_id=partner_id,
                subject=id_text(LIST_PREFIX, list_id),
                data={
                    "list_id": id_text(LIST_PREFIX, list_id),
                    "currency": CURRENCY,
                    "prices": prices,
                },
            )


def _messages_of(
    rows: Sequence[tuple[TierKey, Price | None]],
) -> Iterator[list[dict[str, Any]]]:
    """Cut sorted rows into messages of a bounded number of SKUs, no SKU over two messages."""
    skus = [list(tiers) for _, tiers in groupby(rows, key=lambda row: row[0].sku_id)]
    for start in range(0, len(skus), CHANGED_MAX):
        yield [
            {
                "sku_id": id_text(SKU_PREFIX, key.sku_id),
                "quantity_min": key.quantity_min,
                "unit_price_minor": tier.unit_price_minor if tier else None,
                "version": tier.version if tier else None,
            }
            for tiers in skus[start : start + CHANGED_MAX]
            for key, tier in tiers
        ]
