"""The verbs on shares: pieces that are kept for partners until a moment."""

from collections.abc import Mapping, Sequence
from typing import Final

from weili.kit.context import Ctx
from weili.kit.ids import id_text, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.inventory.events import SHARE_ENDED, SHARE_OPENED
from weili.modules.inventory.model import (
    HOLDERS_MAX,
    SHARE_PREFIX,
    WAREHOUSE_PREFIX,
    NewShare,
    Place,
    Share,
    ShareId,
)
from weili.modules.inventory.problems import SHARE_WORD, ShareTooLarge
from weili.modules.inventory.service import access
from weili.modules.inventory.service.stock import places_locked
from weili.modules.inventory.store import shares as store
from weili.modules.inventory.store import stock as places

DUE_MAX: Final = 100
"""Shares that one sweep ends in one transaction."""

_HOLDERS: Final = Said(
    f"1 to {HOLDERS_MAX} partners, each once", f"1 至 {HOLDERS_MAX} 个不同的渠道"
)
_LATER: Final = Said("a moment after now", "晚于现在的时刻")


def shares_open(ctx: Ctx, *, shares: Sequence[NewShare]) -> list[Share]:
    """Keep pieces of places for partners until a moment, all of the shares or none.

    Nobody else is promised them; several partners of one share sell them between them.

    Raises: Forbidden; InputInvalid; NotFound; SkuUnknown; ShareTooLarge.
    """
    ctx.require("admin:stock")
    _check(ctx, shares)
    access.warehouses_check(ctx, [share.warehouse_id for share in shares])
    access.skus_check(ctx, [share.sku_id for share in shares])
    access.parties_check(ctx, [holder for share in shares for holder in share.partner_ids])
    deltas: dict[Place, int] = {}
    for share in shares:
        place = share.sku_id, share.warehouse_id
        deltas[place] = deltas.get(place, 0) + share.quantity
    for place, level in places_locked(ctx, set(deltas)).items():
        if deltas[place] > level.available:
            raise ShareTooLarge(
                sku_id=id_text(SKU_PREFIX, place[0]),
                warehouse_id=id_text(WAREHOUSE_PREFIX, place[1]),
                available=max(0, level.available),
                asked=deltas[place],
            )
    made = [
        Share(
            ShareId(new_id(ctx.now)),
            share.sku_id,
            share.warehouse_id,
            sorted(share.partner_ids),
            share.quantity,
            share.quantity,
            share.ends_at,
            None,
        )
        for share in shares
    ]
    store.shared_add(ctx, deltas)
    store.shares_insert(ctx, made)
    for opened in made:
        data = {"quantity": opened.quantity, "ends_at": opened.ends_at.isoformat()}
        for partner_id in opened.partner_ids:
            ctx.announce(
                SHARE_OPENED,
                party_id=partner_id,
                subject=id_text(SHARE_PREFIX, opened.id),
                data=_place_data(opened) | data,
            )
    return made


def share_end(ctx: Ctx, *, share_id: ShareId) -> Share:
    """End a share before its time; what is unsold is anyone's. Again it changes nothing.

    Raises: Forbidden; NotFound.
    """
    ctx.require("admin:stock")
    ended = _end(ctx, [share_id])
    if share_id not in ended:
        raise NotFound(what=SHARE_WORD, id=id_text(SHARE_PREFIX, share_id))
    return ended[share_id]


def shares_expire(ctx: Ctx) -> int:
    """End the shares whose time is over; says how many."""
    due = store.shares_due(ctx, now=ctx.now, limit=DUE_MAX)
    if due:
        _end(ctx, due)
    return len(due)


def share_page(
    ctx: Ctx,
    *,
    sku_id: SkuId | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Share]:
    """Give shares in the order they were opened; a partner is given those it holds.

    Raises: Forbidden; CursorInvalid.
    """
    partner_id = access.require(ctx, "stock:read")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.share_page(
        ctx,
        partner_id=partner_id,
        sku_id=sku_id,
        after=None if after is None else ShareId(after),
        limit=limit + 1,
    )
    return page_of(rows, limit=limit, key=lambda row: row.id.hex)


def _end(ctx: Ctx, share_ids: Sequence[ShareId]) -> Mapping[ShareId, Share]:
    """End shares under the locks of their places, taken first and in order."""
    known = store.shares_get(ctx, ids=share_ids)
    places_here = sorted({(share.sku_id, share.warehouse_id) for share in known.values()})
    places.places_lock(ctx, places_here)
    open_shares = [s for s in store.shares_lock(ctx, ids=list(known)) if s.ended_at is None]
    if open_shares:
        deltas: dict[Place, int] = {}
        for share in open_shares:
            place = share.sku_id, share.warehouse_id
            deltas[place] = deltas.get(place, 0) - share.unsold
        # The shares first: a place may keep no more than its shares have left.
        store.shares_end(ctx, ids=[share.id for share in open_shares])
        store.shared_add(ctx, deltas)
    for share in open_shares:
        for partner_id in share.partner_ids:
            ctx.announce(
                SHARE_ENDED,
                party_id=partner_id,
                subject=id_text(SHARE_PREFIX, share.id),
                data=_place_data(share) | {"unsold": share.unsold},
            )
    return store.shares_get(ctx, ids=share_ids)


def _place_data(share: Share) -> dict[str, object]:
    return {
        "share_id": id_text(SHARE_PREFIX, share.id),
        "sku_id": id_text(SKU_PREFIX, share.sku_id),
        "warehouse_id": id_text(WAREHOUSE_PREFIX, share.warehouse_id),
    }


def _check(ctx: Ctx, shares: Sequence[NewShare]) -> None:
    wrong: list[FieldProblem] = []
    for i, share in enumerate(shares):
        holders = share.partner_ids
        if not 0 < len(holders) <= HOLDERS_MAX or len(set(holders)) < len(holders):
            wrong.append(FieldProblem(f"/{i}/partner_ids", "unfit", _HOLDERS))
        if share.ends_at <= ctx.now:
            wrong.append(FieldProblem(f"/{i}/ends_at", "past", _LATER))
    if wrong:
        raise InputInvalid(fields=tuple(wrong))
