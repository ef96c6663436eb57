"""The verbs of ``pricing``."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.findings import Finding
from weili.kit.ids import id_text, new_id
from weili.kit.memory import Recall
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, cursor_parse, limit_bounded, page_of
from weili.kit.problems import CursorInvalid, NotFound
from weili.modules import parties
from weili.modules.goods import SkuId
from weili.modules.parties import PARTY_PREFIX, PARTY_WORD
from weili.modules.pricing import books, rules
from weili.modules.pricing.changes import list_lock, sku_texts, skus_check
from weili.modules.pricing.freight import freight_verify
from weili.modules.pricing.model import (
    LIST_ASSIGNED,
    LIST_PREFIX,
    Channel,
    ListId,
    PriceList,
    PriceRow,
    PriceVersion,
    PutCount,
    TierKey,
)
from weili.modules.pricing.problems import LIST_WORD, BelowCost, DefaultListExists, ListNameTaken
from weili.modules.pricing.store import changes as change_store
from weili.modules.pricing.store import prices as store

TIERS_MAX: Final = 10_000


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
    """Give a partner a price list of its own, in the place of the one it had; again is nothing.

    Raises: Forbidden; NotFound, when there is no such list or party.
    """
    ctx.require("admin:prices")
    _list_get(ctx, list_id)
    _party_check(ctx, partner_id)
    if store.list_partner_upsert(ctx, partner_id=partner_id, list_id=list_id):
        _assigned_tell(ctx, [partner_id], list_id)


def paying_key(ctx: Ctx, *, recall: Recall, partner_id: PartyId) -> bytes:
    """Name what a partner pays by: with the same name, all is paid alike. Hot."""
    return store.chain_key(store.chain(ctx, recall=recall, partner_id=partner_id))


def list_had(ctx: Ctx, *, recall: Recall, partner_id: PartyId) -> ListId | None:
    """Say which list a partner pays by first, its own or its channel's, if any."""
    return store.list_had(ctx, recall=recall, partner_id=partner_id)


def lists_in_use(ctx: Ctx) -> dict[ListId, PartyId]:
    """Give each list that some partner has, with one of those who have it."""
    return store.lists_in_use(ctx)


def channel_list(ctx: Ctx, *, channel: Channel, list_id: ListId) -> None:
    """Give a channel a price list, in the place of the one it had; again is nothing.

    Raises: Forbidden; NotFound, when there is no such list.
    """
    ctx.require("admin:prices")
    _list_get(ctx, list_id)
    if store.list_channel_upsert(ctx, channel=channel, list_id=list_id):
        _assigned_tell(ctx, store.channel_partners(ctx, channel=channel), list_id)


def channel_assign(ctx: Ctx, *, partner_id: PartyId, channel: Channel) -> None:
    """Say what sort of channel a partner is: it pays by that list where its own is silent.

    Raises: Forbidden; NotFound, when there is no such party.
    """
    ctx.require("admin:prices")
    _party_check(ctx, partner_id)
    if not store.partner_channel_upsert(ctx, partner_id=partner_id, channel=channel):
        return
    list_id = store.list_of_channel(ctx, channel=channel)
    if list_id is not None:
        _assigned_tell(ctx, [partner_id], list_id)


def prices_put(ctx: Ctx, *, list_id: ListId, rows: Sequence[PriceRow]) -> PutCount:
    """Set prices on a list, and announce those that changed to the partners who pay them.

    Tiers that are not named stay. A price that is put again as it stands gets no new version.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such list; SkuUnknown; BelowCost:
    that takes a change with a reason.
    """
    ctx.require("admin:prices")
    rules.price_rows_check(rows)
    list_lock(ctx, list_id)
    sku_ids = [row.sku_id for row in rows]
    skus_check(ctx, sku_ids)
    costs = books.cost_book(ctx, sku_ids=sku_ids)
    below = [
        row.sku_id
        for row in rows
        if (cost_minor := costs.unit_cost_minor(row.sku_id)) is not None
        and row.unit_price_minor < cost_minor
    ]
    if below:
        raise BelowCost(sku_ids=sku_texts(below))
    changed = store.prices_upsert(ctx, list_id=list_id, rows=rows)
    if changed:
        books.prices_set_tell(ctx, list_id, changed)
    return PutCount(len(changed), len(rows) - len(changed))


def tiers_after(
    ctx: Ctx, *, list_id: ListId, after: SkuId | None, limit: int = LIMIT_DEFAULT
) -> list[tuple[TierKey, int, datetime | None, datetime | None]]:
    """Give a list's prices of the SKUs that follow by id: what holds, then what is for a time.

    Each is a tier, the price in fen, and from when to when it holds: None is now, and for good.

    Raises: Forbidden.
    """
    ctx.require("admin:prices")
    return store.tiers_after(ctx, list_id=list_id, after=after, limit=limit_bounded(limit))


def tiers_of(
    ctx: Ctx, *, sku_ids: Sequence[SkuId], list_id: ListId | None = None
) -> list[tuple[TierKey, int, datetime | None, datetime | None, int]]:
    """Give what SKUs cost on a list, or on any (None), as ``tiers_after`` does; up to 10,000.

    Last in each is the version that the price is of its tier.

    Raises: Forbidden.
    """
    ctx.require("admin:prices")
    return store.tiers_of(ctx, list_id=list_id, sku_ids=sku_ids, limit=TIERS_MAX)


def list_get(ctx: Ctx, *, list_id: ListId) -> PriceList:
    """Give a price list.

    Raises: Forbidden; NotFound.
    """
    ctx.require("admin:prices")
    return _list_get(ctx, list_id)


def history_page(
    ctx: Ctx,
    *,
    list_id: ListId,
    sku_id: SkuId,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[PriceVersion]:
    """List all that was ever written of an SKU's prices on a list, tier by tier.

    Raises: Forbidden; CursorInvalid; NotFound, when there is no such list.
    """
    ctx.require("admin:prices")
    _list_get(ctx, list_id)
    limit = limit_bounded(limit)
    after = _after_version(cursor_parse(cursor))
    rows = change_store.history_page(
        ctx, list_id=list_id, sku_id=sku_id, after=after, limit=limit + 1
    )
    return page_of(rows, limit=limit, key=lambda row: f"{row.key.quantity_min}/{row.version}")


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find prices and costs that are not the last of a whole history, or are on no list.

    And rules of freight that do not work.
    """
    for check, where, what in store.histories_off(ctx):
        repair = "put the right amount again: a new version is written to both"
        yield Finding(check, where, what, repair)
    for list_id, count in store.lists_missing(ctx):
        yield Finding(
            "price_list_there",
            id_text(LIST_PREFIX, list_id),
            f"there is no such list, but {count} price(s) on it",
            "bring the list back from a back-up, or delete its prices",
        )
    yield from freight_verify(ctx)


def _list_get(ctx: Ctx, list_id: ListId) -> PriceList:
    price_list = store.list_read(ctx, list_id=list_id)
    if price_list is None:
        raise NotFound(what=LIST_WORD, id=id_text(LIST_PREFIX, list_id))
    return price_list


def _party_check(ctx: Ctx, party_id: PartyId) -> None:
    if party_id not in parties.parties_get(ctx, party_ids=[party_id]):
        raise NotFound(what=PARTY_WORD, id=id_text(PARTY_PREFIX, party_id))


def _after_version(key: str | None) -> tuple[int, int] | None:
    """Read back where a list of versions goes on.

    Raises: CursorInvalid.
    """
    match [] if key is None else key.split("/"):
        case []:
            return None
        case [quantity_min, version] if quantity_min.isdecimal() and version.isdecimal():
            return int(quantity_min), int(version)
    raise CursorInvalid


def _assigned_tell(ctx: Ctx, partner_ids: Sequence[PartyId], list_id: ListId) -> None:
    written = id_text(LIST_PREFIX, list_id)
    for partner_id in partner_ids:
        ctx.announce(LIST_ASSIGNED, party_id=partner_id, subject=written, data={"list_id": written})
