"""SQL of price changes: the sets, and the prices that are still to come or hold for a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from weili.kit.context import Ctx
from weili.kit.memory import touch
from weili.modules.goods import SkuId
from weili.modules.pricing import tables as t
from weili.modules.pricing.model import (
    ChangeId,
    ChangeState,
    ListId,
    PriceChange,
    PriceRow,
    PriceVersion,
    TierKey,
    Window,
)

_WINDOWS_PUT: Final = (
    "WITH written AS ("
    " INSERT INTO pricing.price_window (list_id, sku_id, quantity_min, version,"
    "  unit_price_minor, valid_from, valid_to, change_id)"
    " SELECT %b::uuid, x.s, x.q, 1 + coalesce((SELECT max(h.version) FROM pricing.price_history h"
    "   WHERE h.list_id = %b::uuid AND h.sku_id = x.s AND h.quantity_min = x.q), 0),"
    "  x.u, %b::timestamptz, %b::timestamptz, %b::uuid"
    "  FROM unnest(%b::uuid[], %b::int[], %b::bigint[]) AS x (s, q, u) ORDER BY x.s, x.q"
    " RETURNING *)"
    " INSERT INTO pricing.price_history (list_id, sku_id, quantity_min, version,"
    "  unit_price_minor, changed_at, changed_by, valid_from, valid_to, change_id)"
    " SELECT list_id, sku_id, quantity_min, version, unit_price_minor, %b::timestamptz, %b,"
    "  valid_from, valid_to, change_id FROM written"
)
_FOLD: Final = (
    "INSERT INTO pricing.price AS p"
    " (list_id, sku_id, quantity_min, unit_price_minor, version, changed_at)"
    " SELECT list_id, sku_id, quantity_min, unit_price_minor, version, %b::timestamptz"
    "  FROM pricing.price_window WHERE change_id = %b ORDER BY sku_id, quantity_min"
    " ON CONFLICT (list_id, sku_id, quantity_min) DO UPDATE SET"
    "  unit_price_minor = excluded.unit_price_minor, version = excluded.version,"
    "  changed_at = excluded.changed_at"
)


def change_insert(ctx: Ctx, change: PriceChange) -> None:
    """Write a set of prices."""
    ctx.db.sa.execute(
        sa.insert(t.price_change).values(
            id=change.id,
            list_id=change.list_id,
            note=change.note,
            below_cost_reason=change.below_cost_reason,
            valid_from=change.valid_from,
            valid_to=change.valid_to,
            state=change.state,
            due_at=_due_at(change, change.state),
            created_at=change.created_at,
            created_by=change.created_by,
        )
    )


def change_read(ctx: Ctx, *, change_id: ChangeId) -> PriceChange | None:
    """Read one change."""
    query = sa.select(t.price_change).where(t.price_change.c.id == change_id)
    row = ctx.db.sa.execute(query).one_or_none()
    return _change(row) if row else None


def change_move(ctx: Ctx, change: PriceChange, state: ChangeState) -> None:
    """Write a change's new state, and when it is to be looked at again."""
    ctx.db.sa.execute(
        sa.update(t.price_change)
        .where(t.price_change.c.id == change.id)
        .values(state=state, due_at=_due_at(change, state))
    )


def changes_due(ctx: Ctx, *, list_id: ListId | None, limit: int) -> list[PriceChange]:
    """Read changes, of one list or of any, whose time has come; the first to come first."""
    # What ends goes before what begins at that moment.
    rows = ctx.db.rows(
        "SELECT id, list_id, note, below_cost_reason, valid_from, valid_to, state, created_at,"
        "  created_by FROM pricing.price_change"
        " WHERE due_at <= %b AND (%b::uuid IS NULL OR list_id = %b::uuid)"
        " ORDER BY due_at, state, id LIMIT %b",
        *(ctx.now, list_id, list_id, limit),
    )
    return [
        PriceChange(change_id, found, note, reason, begins, ends, ChangeState(state), made_at, by)
        for change_id, found, note, reason, begins, ends, state, made_at, by in rows
    ]


def change_page(
    ctx: Ctx,
    *,
    list_id: ListId | None,
    state: ChangeState | None,
    after: ChangeId | None,
    limit: int,
) -> list[PriceChange]:
    """Read changes, the newest first."""
    change = t.price_change
    query = sa.select(change).order_by(change.c.id.desc()).limit(limit)
    if list_id is not None:
        query = query.where(change.c.list_id == list_id)
    if state is not None:
        query = query.where(change.c.state == state)
    if after is not None:
        query = query.where(change.c.id < after)
    return [_change(row) for row in ctx.db.sa.execute(query)]


def windows_insert(ctx: Ctx, change: PriceChange, rows: Sequence[PriceRow]) -> None:
    """Write what a change sets, and its history."""
    ctx.db.run(
        _WINDOWS_PUT,
        change.list_id,
        change.list_id,
        change.valid_from,
        change.valid_to,
        change.id,
        [row.sku_id for row in rows],
        [row.quantity_min for row in rows],
        [row.unit_price_minor for row in rows],
        ctx.now,
        ctx.actor.label(),
    )
    touch(ctx, list({row.sku_id for row in rows}))


def windows_of(
    ctx: Ctx, *, list_id: ListId, sku_ids: Sequence[SkuId]
) -> dict[TierKey, list[tuple[Window, ChangeId]]]:
    """Read what is still to come, or holds for a time, with the change that it belongs to."""
    rows = ctx.db.rows(
        "SELECT sku_id, quantity_min, unit_price_minor, version, valid_from, valid_to, change_id"
        " FROM pricing.price_window WHERE list_id = %b AND sku_id = ANY (%b::uuid[])",
        list_id,
        list(sku_ids),
    )
    windows: dict[TierKey, list[tuple[Window, ChangeId]]] = {}
    for sku_id, quantity_min, *window, change_id in rows:
        key = TierKey(list_id, sku_id, quantity_min)
        windows.setdefault(key, []).append((Window(*window), change_id))
    return windows


def windows_keys(ctx: Ctx, *, change_id: ChangeId) -> list[TierKey]:
    """Read which tiers a change that is still open sets."""
    rows = ctx.db.rows(
        "SELECT list_id, sku_id, quantity_min FROM pricing.price_window WHERE change_id = %b"
        " ORDER BY sku_id, quantity_min",
        change_id,
    )
    return [TierKey(*row) for row in rows]


def windows_fold(ctx: Ctx, *, change_id: ChangeId) -> None:
    """Let what a change sets stand from now on.

    Its windows are still there then: ``windows_delete``, in the same transaction, takes them away
    and touches their SKUs.
    """
    ctx.db.run(_FOLD, ctx.now, change_id)


def windows_delete(ctx: Ctx, *, change_id: ChangeId) -> None:
    """Take away what a change sets; its history stays."""
    rows = ctx.db.rows(
        "DELETE FROM pricing.price_window WHERE change_id = %b RETURNING sku_id", change_id
    )
    touch(ctx, list({sku_id for (sku_id,) in rows}))


def history_page(
    ctx: Ctx,
    *,
    list_id: ListId | None = None,
    sku_id: SkuId | None = None,
    change_id: ChangeId | None = None,
    after: tuple[int, int] | None = None,
    limit: int,
) -> list[PriceVersion]:
    """Read versions as they were written: of one SKU on one list, or of one change."""
    history = t.price_history
    order = (history.c.quantity_min, history.c.version)
    query = sa.select(history)
    if change_id is not None:
        query = query.where(history.c.change_id == change_id).order_by(history.c.sku_id, *order)
    else:
        query = query.where(history.c.list_id == list_id, history.c.sku_id == sku_id)
        query = query.order_by(*order)
        if after is not None:
            query = query.where(sa.tuple_(*order) > sa.tuple_(*map(sa.literal, after)))
    return [_version(row) for row in ctx.db.sa.execute(query.limit(limit))]


def _due_at(change: PriceChange, state: ChangeState) -> datetime | None:
    match state:
        case ChangeState.SCHEDULED:
            return change.valid_from
        case ChangeState.IN_FORCE:
            return change.valid_to
        case _:
            return None


def _change(row: sa.Row[Any]) -> PriceChange:
    return PriceChange(
        ChangeId(row.id),
        ListId(row.list_id),
        row.note,
        row.below_cost_reason,
        row.valid_from,
        row.valid_to,
        ChangeState(row.state),
        row.created_at,
        row.created_by,
    )


def _version(row: sa.Row[Any]) -> PriceVersion:
    return PriceVersion(
        TierKey(ListId(row.list_id), SkuId(row.sku_id), row.quantity_min),
        row.version,
        row.unit_price_minor,
        row.valid_from,
        row.valid_to,
        row.changed_at,
        row.changed_by,
        None if row.change_id is None else ChangeId(row.change_id),
    )
