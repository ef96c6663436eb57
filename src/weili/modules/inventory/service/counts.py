"""The verbs on counts: a snapshot of the books, then what was found, then the difference booked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from weili.kit.context import Ctx
from weili.kit.ids import id_text, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said
from weili.modules.goods import SkuId
from weili.modules.inventory.model import (
    COUNT_PREFIX,
    COUNT_STATES,
    LINES_MAX,
    Booking,
    Count,
    Counted,
    CountId,
    CountState,
    MoveKind,
    WarehouseId,
)
from weili.modules.inventory.problems import COUNT_WORD
from weili.modules.inventory.service import access
from weili.modules.inventory.service.stock import stock_book
from weili.modules.inventory.store import counts as store

_REASON: Final = Said("why it differs from the books", "与账面不符的原因")
_EACH_ONCE: Final = Said("each SKU of the count once", "盘点单中的每个 SKU 一行")


def count_open(
    ctx: Ctx, *, warehouse_id: WarehouseId, reference: str, sku_ids: Sequence[SkuId] = ()
) -> Count:
    """Open a count of some SKUs in a warehouse, or of all that lies there if none is named.

    What the books say now is written down, so that trade may go on while people count.

    Raises: Forbidden; NotFound; SkuUnknown; InputInvalid, for more SKUs than one count takes.
    """
    access.require(ctx, "supply:write")
    access.warehouses_check(ctx, [warehouse_id])
    access.skus_check(ctx, sku_ids)
    asked = sorted(set(sku_ids)) or store.stocked_in(
        ctx, warehouse_id=warehouse_id, limit=LINES_MAX + 1
    )
    if not 0 < len(asked) <= LINES_MAX:
        expected = Said(f"1 to {LINES_MAX} SKUs", f"1 至 {LINES_MAX} 个 SKU")
        raise InputInvalid(fields=(FieldProblem("/sku_ids", "out_of_range", expected),))
    count_id = CountId(new_id(ctx.now))
    store.count_insert(
        ctx,
        count_id=count_id,
        warehouse_id=warehouse_id,
        reference=reference,
        sku_ids=asked,
    )
    return _locked(ctx, count_id)


def count_book(ctx: Ctx, *, count_id: CountId, counted: Sequence[Counted]) -> Count:
    """Book what was counted: each difference from the snapshot is a gain or a loss with a reason.

    ``counted`` is what lay there when the count was opened: with what has left since, without what
    has come. So trade may go on, and only what differs from the snapshot is booked. A SKU that was
    not counted stays as it is. The same again changes nothing.

    Raises: Forbidden; NotFound; InputInvalid, for a SKU that is not on it or named twice, or a
    difference without a reason; StateConflict; StockBelowReserved.
    """
    access.require(ctx, "supply:write")
    count = _locked(ctx, count_id)
    if count.state is CountState.BOOKED and _is_same(count, counted):
        return count
    label = id_text(COUNT_PREFIX, count_id)
    COUNT_STATES.check(count.state, CountState.BOOKED, label=label)
    expected = {line.sku_id: line.expected for line in count.lines}
    skus = [row.sku_id for row in counted]
    if not expected.keys() >= set(skus) or len(set(skus)) < len(skus):
        raise InputInvalid(fields=(FieldProblem("/lines", "unfit", _EACH_ONCE),))
    unexplained = tuple(
        FieldProblem(f"/lines/{i}/reason", "missing", _REASON)
        for i, row in enumerate(counted)
        if row.counted != expected[row.sku_id] and not row.reason
    )
    if unexplained:
        raise InputInvalid(fields=unexplained)
    bookings = [
        Booking(
            MoveKind.COUNT_GAIN if difference > 0 else MoveKind.COUNT_LOSS,
            row.sku_id,
            count.warehouse_id,
            difference,
            f"{label}: {row.reason}",
        )
        for row in counted
        if (difference := row.counted - expected[row.sku_id])
    ]
    warehouses = access.warehouses_seen(ctx, [count.warehouse_id])
    stock_book(ctx, bookings=bookings, warehouses=warehouses)
    store.count_close(ctx, count_id=count_id, state=CountState.BOOKED, counted=counted)
    return _locked(ctx, count_id)


def count_cancel(ctx: Ctx, *, count_id: CountId) -> Count:
    """Give up a count; nothing is booked. Again it changes nothing.

    Raises: Forbidden; NotFound; StateConflict, when it was booked.
    """
    access.require(ctx, "supply:write")
    count = _locked(ctx, count_id)
    if count.state is CountState.CANCELLED:
        return count
    label = id_text(COUNT_PREFIX, count_id)
    COUNT_STATES.check(count.state, CountState.CANCELLED, label=label)
    store.count_close(ctx, count_id=count_id, state=CountState.CANCELLED, counted=())
    return replace(count, state=CountState.CANCELLED, closed_at=ctx.now)


def count_page(ctx: Ctx, *, cursor: str | None = None, limit: int = LIMIT_DEFAULT) -> Page[Count]:
    """Give counts in the order they were opened; a supplier sees its own.

    Raises: Forbidden; CursorInvalid.
    """
    supplier_id = access.require(ctx, "supply:read")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.count_page(
        ctx,
        supplier_id=supplier_id,
        after=None if after is None else CountId(after),
        limit=limit + 1,
    )
    return page_of(rows, limit=limit, key=lambda row: row.id.hex)


def _locked(ctx: Ctx, count_id: CountId) -> Count:
    count = store.count_lock(ctx, count_id=count_id)
    seen = access.warehouses_seen(ctx, [count.warehouse_id] if count else [])
    if count is None or not seen:
        raise NotFound(what=COUNT_WORD, id=id_text(COUNT_PREFIX, count_id))
    return count


def _is_same(count: Count, counted: Sequence[Counted]) -> bool:
    before = {line.sku_id: line.counted for line in count.lines if line.counted is not None}
    return before == {row.sku_id: row.counted for row in counted}
