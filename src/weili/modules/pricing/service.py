"""The verbs of ``pricing``."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.findings import Finding
from weili.kit.ids import id_text, new_id
from weili.kit.money import CURRENCY
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import NotFound
from weili.modules import goods, parties
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.parties import PARTY_PREFIX, PARTY_WORD
from weili.modules.pricing import rules
from weili.modules.pricing.model import (
    CHANGED_MAX,
    LIST_ASSIGNED,
    LIST_PREFIX,
    PRICE_CHANGED,
    CostRow,
    ListId,
    PriceAsk,
    PriceList,
    PriceQuote,
    PriceRow,
    PutCount,
)
from weili.modules.pricing.problems import LIST_WORD, DefaultListExists, ListNameTaken
from weili.modules.pricing.rules import PriceBook
from weili.modules.pricing.store import prices as store


def list_open(ctx: Ctx, *, name: str, is_default: bool = False) -> PriceList:
    """Open an empty price list.

    Raises: Forbidden; ListNameTaken; DefaultListExists.
    """
    ctx.require("admin:prices")
    price_list = PriceList(ListId(new_id(ctx.now)), name, is_default)
    if not store.list_insert(ctx, price_list):
        if store.list_by_name(ctx, name=name) is not None:
            raise ListNameTaken(name=name)
        raise DefaultListExists
    return price_list


def list_by_name(ctx: Ctx, *, name: str) -> PriceList | None:
    """Give the list of that name, if there is one.

    Raises: Forbidden.
    """
    ctx.require("admin:prices")
    return store.list_by_name(ctx, name=name)


def list_page(
    ctx: Ctx, *, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[PriceList]:
    """Give price lists in the order they were opened.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require("admin:prices")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.list_page(
        ctx,
        after=None if after is None else ListId(after),
        limit=limit + 1,
    )
    return page_of(rows, limit=limit, key=lambda row: row.id.hex)


def list_assign(ctx: Ctx, *, partner_id: PartyId, list_id: ListId) -> None:
    """Give a partner a price list of its own, in the place of the one it had.

    Raises: Forbidden; NotFound, when there is no such list or party.
    """
    ctx.require("admin:prices")
    _list_get(ctx, list_id)
    _party_check(ctx, partner_id)
    store.list_partner_upsert(ctx, partner_id=partner_id, list_id=list_id)
    written = id_text(LIST_PREFIX, list_id)
    ctx.announce(LIST_ASSIGNED, party_id=partner_id, subject=written, data={"list_id": written})


def lists_had_asked(ctx: Ctx, *, partner_ids: Sequence[PartyId]) -> Asked[dict[PartyId, ListId]]:
    """Ask which partners have a list of their own, without waiting for it; others are absent."""
    return store.lists_had(ctx, partner_ids=partner_ids)


def lists_in_use(ctx: Ctx) -> dict[ListId, PartyId]:
    """Give each list that some partner has, with one of those who have it."""
    return store.lists_in_use(ctx)


def prices_put(ctx: Ctx, *, list_id: ListId, rows: Sequence[PriceRow]) -> PutCount:
    """Set prices on a list, and announce those that changed to the partners who pay them.

    Tiers that are not named stay. A price that is put again as it stands gets no new version.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such list; SkuUnknown.
    """
    ctx.require("admin:prices")
    rules.price_rows_check(rows)
    price_list = _list_get(ctx, list_id)
    _skus_check(ctx, [row.sku_id for row in rows])
    changed = store.prices_upsert(ctx, list_id=list_id, rows=rows)
    if changed:
        _announce(ctx, price_list, sorted(changed))
    return PutCount(len(changed), len(rows) - len(changed))


def prices_of(ctx: Ctx, *, partner_id: PartyId, asks: Sequence[PriceAsk]) -> list[PriceQuote]:
    """Answer what a partner pays, in the order of the asks.

    A SKU that the partner does not see has no price, as has one without any.

    Raises: Forbidden.
    """
    ctx.require("prices:read")
    visible = goods.skus_visible(ctx, pairs=[(partner_id, ask.sku_id) for ask in asks])
    sku_ids = [sku_id for _, sku_id in visible]
    book = price_book(ctx, partner_ids=[partner_id], sku_ids=sku_ids)
    return [
        PriceQuote(
            ask.sku_id,
            ask.quantity,
            book.unit_price(partner_id, ask.sku_id, ask.quantity),
            book.tiers(partner_id, ask.sku_id),
        )
        for ask in asks
    ]


def costs_put(ctx: Ctx, *, rows: Sequence[CostRow]) -> PutCount:
    """Set what suppliers are owed a piece.

    Raises: Forbidden; InputInvalid; SkuUnknown.
    """
    ctx.require("admin:prices")
    rules.cost_rows_check(rows)
    suppliers = _suppliers_get(ctx, [row.sku_id for row in rows])
    changed = store.costs_upsert(ctx, rows, suppliers)
    return PutCount(changed, len(rows) - changed)


def price_book(ctx: Ctx, *, partner_ids: Sequence[PartyId], sku_ids: Sequence[SkuId]) -> PriceBook:
    """Read the prices and costs that a batch of orders needs, in one statement."""
    return price_book_asked(ctx, partner_ids=partner_ids, sku_ids=sku_ids)()


def price_book_asked(
    ctx: Ctx, *, partner_ids: Sequence[PartyId], sku_ids: Sequence[SkuId]
) -> Asked[PriceBook]:
    """Ask what ``price_book`` gives, without waiting for it."""
    rows = store.book_rows(ctx, partner_ids=list(set(partner_ids)), sku_ids=list(set(sku_ids)))
    return lambda: rules.price_book_of(**rows()._asdict())


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find prices and costs that are not the last version of a history without gaps."""
    for check, where, what in store.histories_off(ctx):
        repair = "put the right amount again: a new version is written to both"
        yield Finding(check, where, what, repair)


def _list_get(ctx: Ctx, list_id: ListId) -> PriceList:
    price_list = store.list_read(ctx, list_id=list_id)
    if price_list is None:
        raise NotFound(what=LIST_WORD, id=id_text(LIST_PREFIX, list_id))
    return price_list


def _party_check(ctx: Ctx, party_id: PartyId) -> None:
    if party_id not in parties.parties_get(ctx, party_ids=[party_id]):
        raise NotFound(what=PARTY_WORD, id=id_text(PARTY_PREFIX, party_id))


def _skus_check(ctx: Ctx, sku_ids: Sequence[SkuId]) -> None:
    known = goods.skus_known(ctx, sku_ids=list(set(sku_ids)))
    for sku_id in sku_ids:
        if sku_id not in known:
            raise goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))


def _suppliers_get(ctx: Ctx, sku_ids: Sequence[SkuId]) -> dict[SkuId, PartyId]:
    suppliers = goods.skus_suppliers(ctx, sku_ids=list(set(sku_ids)))
    for sku_id in sku_ids:
        if sku_id not in suppliers:
            raise goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))
    return suppliers


def _announce(
    ctx: Ctx, price_list: PriceList, changed: Sequence[tuple[SkuId, int, int, int]]
) -> None:
    """Tell each partner of the changes it feels.

    A change of the default list is felt by everyone whose own list leaves that SKU open at that
    quantity; a change of another list by those who have it.
    """
    sku_ids = list({row[0] for row in changed})
    seeing = goods.partners_seeing(ctx, sku_ids=sku_ids)
    having = store.list_partners(ctx, list_id=price_list.id)
    hidden_from = (
        store.own_tiers_lowest(ctx, beside=price_list.id, sku_ids=sku_ids)
        if price_list.is_default
        else {}
    )
    felt: dict[PartyId, list[tuple[SkuId, int, int, int]]] = {}
    for row in changed:
        sku_id, quantity_min = row[0], row[1]
        hidden = hidden_from.get(sku_id, {})
        for partner_id in seeing.get(sku_id, frozenset()):
            if price_list.is_default:
                is_felt = quantity_min < hidden.get(partner_id, quantity_min + 1)
            else:
                is_felt = partner_id in having
            if is_felt:
                felt.setdefault(partner_id, []).append(row)
    for partner_id in sorted(felt):
        for prices in _messages_of(felt[partner_id]):
            ctx.announce(
                PRICE_CHANGED,
                party_id=partner_id,
                subject=id_text(LIST_PREFIX, price_list.id),
                data={
                    "list_id": id_text(LIST_PREFIX, price_list.id),
                    "currency": CURRENCY,
                    "prices": prices,
                },
            )


def _messages_of(
    rows: Sequence[tuple[SkuId, int, int, int]],
) -> Iterator[list[dict[str, Any]]]:
    """Cut sorted rows into messages of a bounded number of SKUs, no SKU over two messages."""
    skus = [list(tiers) for _, tiers in groupby(rows, key=lambda row: row[0])]
    for start in range(0, len(skus), CHANGED_MAX):
        yield [
            {
                "sku_id": id_text(SKU_PREFIX, sku_id),
                "quantity_min": quantity_min,
                "unit_price_minor": unit_price_minor,
                "version": version,
            }
            for tiers in skus[start : start + CHANGED_MAX]
            for sku_id, quantity_min, unit_price_minor, version in tiers
        ]
