"""Price changes: sets of prices that are looked at first, and begin and end by time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from weili.kit.context import Ctx
from weili.kit.ids import id_text, ids_sorted, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import Busy, FieldProblem, InputInvalid, NotFound, Said
from weili.modules import goods
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.pricing import books, rules
from weili.modules.pricing.model import (
    CHANGE_PREFIX,
    CHANGE_STATES,
    LIST_PREFIX,
    ROWS_MAX,
    WINDOWS_MAX,
    ChangeId,
    ChangeLine,
    ChangeState,
    ListId,
    PriceChange,
    PriceList,
    PriceRow,
    PriceVersion,
    TierKey,
    Window,
)
from weili.modules.pricing.problems import (
    CHANGE_WORD,
    LIST_WORD,
    BelowCost,
    WindowsOverlap,
    WindowsTooMany,
)
from weili.modules.pricing.store import changes as store
from weili.modules.pricing.store import prices as price_store

_DUE_MAX: Final = 100
_LATER: Final = Said("now or later", "不早于当前时间")
_AFTER_BEGIN: Final = Said("after it begins", "晚于生效时间")


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """Prices that are to hold on a list from a moment on (None: now), to another or for good."""

    list_id: ListId
    rows: Sequence[PriceRow]
    valid_from: datetime | None = None
    valid_to: datetime | None = None


def change_preview(ctx: Ctx, *, draft: ChangeDraft) -> list[ChangeLine]:
    """Show what a change would do, line by line, and change nothing.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such list; SkuUnknown;
    WindowsOverlap; WindowsTooMany.
    """
    ctx.require("admin:prices")
    _begins_at(ctx, draft)
    rules.price_rows_check(draft.rows)
    if price_store.list_read(ctx, list_id=draft.list_id) is None:
        raise NotFound(what=LIST_WORD, id=id_text(LIST_PREFIX, draft.list_id))
    skus_check(ctx, [row.sku_id for row in draft.rows])
    _room_check(ctx, draft)
    return _lines(ctx, draft)


def change_put(
    ctx: Ctx, *, draft: ChangeDraft, note: str, below_cost_reason: str | None = None
) -> PriceChange:
    """Set prices from a moment on, for a time or for good; those that begin now are announced.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such list; SkuUnknown;
    WindowsOverlap; WindowsTooMany; BelowCost, where a price is below cost and no reason is given.
    """
    ctx.require("admin:prices")
    begins_at = _begins_at(ctx, draft)
    rules.price_rows_check(draft.rows)
    list_lock(ctx, draft.list_id)
    skus_check(ctx, [row.sku_id for row in draft.rows])
    _room_check(ctx, draft)
    below = [line for line in _lines(ctx, draft) if line.is_below_cost]
    if below and below_cost_reason is None:
        raise BelowCost(sku_ids=sku_texts([line.row.sku_id for line in below]))
    state = ChangeState.SCHEDULED
    if begins_at <= ctx.now:
        state = ChangeState.DONE if draft.valid_to is None else ChangeState.IN_FORCE
    change = PriceChange(
        ChangeId(new_id(ctx.now)),
        draft.list_id,
        note,
        below_cost_reason if below else None,
        begins_at,
        draft.valid_to,
        state,
        ctx.now,
        ctx.actor.label(),
    )
    store.change_insert(ctx, change)
    if state is ChangeState.DONE:
        changed = price_store.prices_upsert(
            ctx, list_id=draft.list_id, rows=draft.rows, change_id=change.id
        )
        books.prices_set_tell(ctx, draft.list_id, changed)
        return change
    store.windows_insert(ctx, change, draft.rows)
    if state is ChangeState.IN_FORCE:
        books.prices_begun_tell(ctx, change.list_id, store.windows_keys(ctx, change_id=change.id))
    return change


def windows_get(
    ctx: Ctx, *, list_id: ListId, sku_ids: Sequence[SkuId]
) -> dict[TierKey, list[Window]]:
    """Give the prices of tiers that are still to come, or hold for a time; no SKU but these.

    Raises: Forbidden.
    """
    ctx.require("admin:prices")
    found = store.windows_of(ctx, list_id=list_id, sku_ids=sku_ids)
    return {key: [window for window, _ in windows] for key, windows in found.items()}


def change_cancel(ctx: Ctx, *, change_id: ChangeId) -> PriceChange:
    """Take back a change that has not begun.

    Raises: Forbidden; NotFound; StateConflict, when its time has come.
    """
    ctx.require("admin:prices")
    list_lock(ctx, _change_get(ctx, change_id).list_id)
    change = _change_get(ctx, change_id)
    label = id_text(CHANGE_PREFIX, change_id)
    CHANGE_STATES.check(change.state, ChangeState.CANCELLED, label=label)
    store.windows_delete(ctx, change_id=change_id)
    store.change_move(ctx, change, ChangeState.CANCELLED)
    return replace(change, state=ChangeState.CANCELLED)


def change_get(ctx: Ctx, *, change_id: ChangeId) -> tuple[PriceChange, list[PriceVersion]]:
    """Give a change and the prices that it sets.

    Raises: Forbidden; NotFound.
    """
    ctx.require("admin:prices")
    change = _change_get(ctx, change_id)
    return change, store.history_page(ctx, change_id=change_id, limit=ROWS_MAX)


def change_page(
    ctx: Ctx,
    *,
    list_id: ListId | None = None,
    state: ChangeState | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[PriceChange]:
    """List changes, the newest first.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require("admin:prices")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.change_page(
        ctx,
        list_id=list_id,
        state=state,
        after=None if after is None else ChangeId(after),
        limit=limit + 1,
    )
    return page_of(rows, limit=limit, key=lambda change: change.id.hex)


def changes_sweep(ctx: Ctx) -> int:
    """Announce what has begun or is over by now, a change at a time; says how many, one at most.

    What is paid does not wait for it: the price book goes by the time alone. Killed in the midst
    of it, it has done nothing; done twice, it finds nothing due.
    """
    due = store.changes_due(ctx, list_id=None, limit=1)
    if not due:
        return 0
    # Whoever writes to the list holds its lock, so the change is read again under it.
    price_store.list_lock(ctx, list_id=due[0].list_id)
    due = store.changes_due(ctx, list_id=due[0].list_id, limit=1)
    for change in due:
        _advance(ctx, change)
    return len(due)


def list_lock(ctx: Ctx, list_id: ListId) -> PriceList:
    """Lock a list to write to it, and let all of its changes whose time has come take effect.

    So what is written now comes after them, as the time says, and not under them.

    Raises: NotFound; Busy, when more are due than one transaction takes.
    """
    price_list = price_store.list_lock(ctx, list_id=list_id)
    if price_list is None:
        raise NotFound(what=LIST_WORD, id=id_text(LIST_PREFIX, list_id))
    for _ in range(_DUE_MAX):
        due = store.changes_due(ctx, list_id=list_id, limit=1)
        if not due:
            return price_list
        _advance(ctx, due[0])
    raise Busy(retry_after_s=1)


def skus_check(ctx: Ctx, sku_ids: Sequence[SkuId]) -> None:
    """Refuse ids that are no SKUs.

    Raises: SkuUnknown.
    """
    asked = ids_sorted(sku_ids)
    known = goods.skus_known(ctx, sku_ids=asked)
    if len(known) < len(asked):
        unknown = next(sku_id for sku_id in sku_ids if sku_id not in known)
        raise goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, unknown))


def sku_texts(sku_ids: Sequence[SkuId]) -> list[str]:
    """Write SKUs out, each once, a bounded number of them."""
    return [id_text(SKU_PREFIX, sku_id) for sku_id in list(dict.fromkeys(sku_ids))[:20]]


def _advance(ctx: Ctx, change: PriceChange) -> None:
    """Take a change whose time has come to its next state, and tell those who feel it."""
    keys = store.windows_keys(ctx, change_id=change.id)
    if change.state is ChangeState.SCHEDULED and change.valid_to is not None:
        if ctx.now < change.valid_to:
            store.change_move(ctx, change, ChangeState.IN_FORCE)
            books.prices_begun_tell(ctx, change.list_id, keys)
        else:  # Nobody came by while it held; there is nothing to tell.
            store.windows_delete(ctx, change_id=change.id)
            store.change_move(ctx, change, ChangeState.DONE)
        return
    if change.state is ChangeState.SCHEDULED:
        store.windows_fold(ctx, change_id=change.id)
        versions = store.history_page(ctx, change_id=change.id, limit=ROWS_MAX)
        store.windows_delete(ctx, change_id=change.id)
        store.change_move(ctx, change, ChangeState.DONE)
        changed = [
            (row.key.sku_id, row.key.quantity_min, row.unit_price_minor, row.version)
            for row in versions
        ]
        books.prices_set_tell(ctx, change.list_id, changed)
        return
    store.windows_delete(ctx, change_id=change.id)
    store.change_move(ctx, change, ChangeState.DONE)
    books.prices_over_tell(ctx, change.list_id, keys)


def _begins_at(ctx: Ctx, draft: ChangeDraft) -> datetime:
    begins_at = ctx.now if draft.valid_from is None else draft.valid_from
    wrong = []
    if begins_at < ctx.now:
        wrong.append(FieldProblem("/valid_from", "past", _LATER))
    if draft.valid_to is not None and draft.valid_to <= begins_at:
        wrong.append(FieldProblem("/valid_to", "before_valid_from", _AFTER_BEGIN))
    if wrong:
        raise InputInvalid(fields=tuple(wrong))
    return begins_at


def _room_check(ctx: Ctx, draft: ChangeDraft) -> None:
    """Refuse prices beside which there is another at the same time, or too many to come."""
    begins_at = _begins_at(ctx, draft)
    if begins_at <= ctx.now and draft.valid_to is None:
        return
    windows = store.windows_of(
        ctx, list_id=draft.list_id, sku_ids=[row.sku_id for row in draft.rows]
    )
    for row in draft.rows:
        there = windows.get(TierKey(draft.list_id, row.sku_id, row.quantity_min), [])
        clash = rules.window_overlapping(
            [window for window, _ in there], valid_from=begins_at, valid_to=draft.valid_to
        )
        if clash is not None:
            change_id = next(change_id for window, change_id in there if window is clash)
            raise WindowsOverlap(
                sku_id=id_text(SKU_PREFIX, row.sku_id),
                quantity_min=row.quantity_min,
                change_id=id_text(CHANGE_PREFIX, change_id),
                valid_from=clash.valid_from.isoformat(),
            )
        if len(there) >= WINDOWS_MAX:
            raise WindowsTooMany(
                sku_id=id_text(SKU_PREFIX, row.sku_id),
                quantity_min=row.quantity_min,
                bound=WINDOWS_MAX,
            )


def _lines(ctx: Ctx, draft: ChangeDraft) -> list[ChangeLine]:
    keys = [TierKey(draft.list_id, row.sku_id, row.quantity_min) for row in draft.rows]
    seeing, book = books.seeing_book(ctx, [key.sku_id for key in keys], also=[draft.list_id])
    then = book.at(_begins_at(ctx, draft))
    return [
        ChangeLine(
            row,
            then.list_price(key),
            then.unit_cost_minor(row.sku_id),
            sorted(p for p in seeing.get(row.sku_id, ()) if then.is_felt(p, key)),
        )
        for row, key in zip(draft.rows, keys, strict=True)
    ]


def _change_get(ctx: Ctx, change_id: ChangeId) -> PriceChange:
    change = store.change_read(ctx, change_id=change_id)
    if change is None:
        raise NotFound(what=CHANGE_WORD, id=id_text(CHANGE_PREFIX, change_id))
    return change
