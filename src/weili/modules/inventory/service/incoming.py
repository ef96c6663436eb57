"""The verbs on what is on its way: arrivals from outside, and transfers between warehouses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from weili.kit import zone
from weili.kit.context import Ctx
from weili.kit.ids import id_text, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.inventory.events import ARRIVAL_LATE
from weili.modules.inventory.model import (
    ARRIVAL_PREFIX,
    ARRIVAL_STATES,
    TRANSFER_PREFIX,
    WAREHOUSE_PREFIX,
    Arrival,
    ArrivalId,
    ArrivalState,
    Booking,
    MoveKind,
    NewArrival,
    Transfer,
    TransferId,
    WarehouseId,
)
from weili.modules.inventory.problems import ARRIVAL_WORD, TRANSFER_WORD, TransferClosed
from weili.modules.inventory.service import access
from weili.modules.inventory.service.stock import stock_book
from weili.modules.inventory.store import incoming as store

OVERDUE_MAX: Final = 500
"""Arrivals that one sweep tells of in one transaction."""

_NOT_PAST: Final = Said("today or later", "今天或以后的日期")
_TWO_HOUSES: Final = Said("two warehouses of one supplier", "同一供应商的两个仓库")
_ONE_LINE: Final = Said("one line for each SKU of the transfer", "调拨单中的每个 SKU 一行")


def arrivals_announce(ctx: Ctx, *, arrivals: Sequence[NewArrival]) -> list[Arrival]:
    """Say what will come in where and when, all of it or nothing.

    Raises: Forbidden; InputInvalid, for a day that is past; NotFound; SkuUnknown.
    """
    access.require(ctx, "supply:write")
    today = zone.day_of(ctx.now)
    past = [i for i, row in enumerate(arrivals) if row.expected_on < today]
    if past:
        raise InputInvalid(
            fields=tuple(FieldProblem(f"/{i}/expected_on", "past", _NOT_PAST) for i in past)
        )
    access.warehouses_check(ctx, [row.warehouse_id for row in arrivals])
    access.skus_check(ctx, [row.sku_id for row in arrivals])
    made = [_arrival(ctx, row) for row in arrivals]
    store.arrivals_insert(ctx, made, due_at=[_late_at(row.expected_on) for row in made])
    return made


def arrival_page(
    ctx: Ctx,
    *,
    state: ArrivalState | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Arrival]:
    """Give arrivals from outside in the order they were announced; a supplier sees its own.

    Raises: Forbidden; CursorInvalid.
    """
    supplier_id = access.require(ctx, "supply:read")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.arrival_page(
        ctx,
        supplier_id=supplier_id,
        state=state,
        after=None if after is None else ArrivalId(after),
        limit=limit + 1,
    )
    return page_of(rows, limit=limit, key=lambda row: row.id.hex)


def arrival_receive(ctx: Ctx, *, arrival_id: ArrivalId, received: int, reason: str = "") -> Arrival:
    """Take in what has come: a receipt of as many pieces as there really were.

    Receiving the same again changes nothing; none at all is lawful (it was lost).

    Raises: Forbidden; NotFound; StateConflict, when it was cancelled or another number was
    received.
    """
    arrival = _arrival_locked(ctx, arrival_id)
    if arrival.state is ArrivalState.RECEIVED and arrival.received == received:
        return arrival
    done = _moved(arrival, ArrivalState.RECEIVED, received=received, reason=reason)
    if received:
        subject = id_text(ARRIVAL_PREFIX, arrival_id)
        place = arrival.sku_id, arrival.warehouse_id
        stock_book(
            ctx,
            bookings=[Booking(MoveKind.RECEIPT, *place, received, subject)],
            warehouses=access.warehouses_seen(ctx, [arrival.warehouse_id]),
        )
    store.arrivals_close(ctx, [done])
    return done


def arrival_cancel(ctx: Ctx, *, arrival_id: ArrivalId, reason: str) -> Arrival:
    """Say that something will not come in. Again it changes nothing.

    Raises: Forbidden; NotFound; StateConflict, when it was received.
    """
    arrival = _arrival_locked(ctx, arrival_id)
    if arrival.state is ArrivalState.CANCELLED:
        return arrival
    done = _moved(arrival, ArrivalState.CANCELLED, received=0, reason=reason)
    store.arrivals_close(ctx, [done])
    return done


def arrivals_late_tell(ctx: Ctx) -> int:
    """Tell suppliers what had not come in when its day was over, once each; says how many."""
    overdue = store.arrivals_overdue(ctx, limit=OVERDUE_MAX)
    for arrival, supplier_id in overdue:
        ctx.announce(
            ARRIVAL_LATE,
            party_id=supplier_id,
            subject=id_text(ARRIVAL_PREFIX, arrival.id),
            data={
                "arrival_id": id_text(ARRIVAL_PREFIX, arrival.id),
                "sku_id": id_text(SKU_PREFIX, arrival.sku_id),
                "warehouse_id": id_text(WAREHOUSE_PREFIX, arrival.warehouse_id),
                "quantity": arrival.quantity,
                "expected_on": arrival.expected_on.isoformat(),
            },
        )
    if overdue:
        store.arrivals_late(ctx, ids=[arrival.id for arrival, _ in overdue])
    return len(overdue)


def transfer_ship(
    ctx: Ctx,
    *,
    from_warehouse_id: WarehouseId,
    to_warehouse_id: WarehouseId,
    lines: Sequence[tuple[SkuId, int]],
    expected_on: date,
    reference: str,
) -> Transfer:
    """Send goods from one warehouse to another of the same supplier; they are on their way then.

    Raises: Forbidden; InputInvalid, for two suppliers, one warehouse, a SKU named twice or a day
    that is past; NotFound; SkuUnknown; StockBelowReserved.
    """
    access.require(ctx, "supply:write")
    houses = access.warehouses_check(ctx, [from_warehouse_id, to_warehouse_id])
    owners = {house.supplier_id for house in houses.values()}
    if len(owners) != 1 or from_warehouse_id == to_warehouse_id:
        raise InputInvalid(fields=(FieldProblem("/to_warehouse_id", "unfit", _TWO_HOUSES),))
    if expected_on < zone.day_of(ctx.now):
        raise InputInvalid(fields=(FieldProblem("/expected_on", "past", _NOT_PAST),))
    if len({sku_id for sku_id, _ in lines}) < len(lines):
        raise InputInvalid(fields=(FieldProblem("/lines", "twice", _ONE_LINE),))
    access.skus_check(ctx, [sku_id for sku_id, _ in lines])
    transfer_id = TransferId(new_id(ctx.now))
    label = id_text(TRANSFER_PREFIX, transfer_id)
    stock_book(
        ctx,
        bookings=[
            Booking(MoveKind.TRANSFER_OUT, sku_id, from_warehouse_id, -quantity, label)
            for sku_id, quantity in lines
        ],
        warehouses=houses,
    )
    made = [
        replace(
            _arrival(ctx, NewArrival(sku_id, to_warehouse_id, quantity, expected_on, reference)),
            transfer_id=transfer_id,
        )
        for sku_id, quantity in lines
    ]
    transfer = Transfer(
        transfer_id,
        from_warehouse_id,
        to_warehouse_id,
        reference,
        expected_on,
        ctx.now,
        None,
        made,
    )
    store.transfer_insert(ctx, transfer)
    store.arrivals_insert(ctx, made, due_at=[_late_at(expected_on)] * len(made))
    return transfer


def transfer_receive(
    ctx: Ctx,
    *,
    transfer_id: TransferId,
    received: Mapping[SkuId, int],
    reason: str = "",
) -> Transfer:
    """Take in a transfer: of each SKU as many as there really were; what lacks is written down.

    A SKU that is not named came whole. What came beyond what was sent is booked apart, as counted
    more: no transfer brings it. Receiving the same again changes nothing.

    Raises: Forbidden; InputInvalid, for a SKU that is not on it; NotFound; TransferClosed, when
    other numbers were received before.
    """
    access.require(ctx, "supply:write")
    transfer = store.transfer_lock(ctx, transfer_id=transfer_id)
    houses = access.warehouses_seen(ctx, [transfer.to_warehouse_id] if transfer else [])
    label = id_text(TRANSFER_PREFIX, transfer_id)
    if transfer is None or not houses:
        raise NotFound(what=TRANSFER_WORD, id=label)
    if not received.keys() <= {line.sku_id for line in transfer.lines}:
        raise InputInvalid(fields=(FieldProblem("/lines", "unknown", _ONE_LINE),))
    counts = {line.id: received.get(line.sku_id, line.quantity) for line in transfer.lines}
    if transfer.received_at is not None:
        if any(line.received != counts[line.id] for line in transfer.lines):
            raise TransferClosed(transfer_id=label)
        return transfer
    done = [
        _moved(line, ArrivalState.RECEIVED, received=counts[line.id], reason=reason)
        for line in store.arrivals_lock(ctx, ids=list(counts))
    ]
    stock_book(
        ctx,
        bookings=[
            Booking(kind, row.sku_id, row.warehouse_id, quantity, label)
            for row in done
            for kind, quantity in (
                (MoveKind.TRANSFER_IN, min(row.received, row.quantity)),
                (MoveKind.COUNT_GAIN, max(0, row.received - row.quantity)),
            )
            if quantity
        ],
        warehouses=houses,
    )
    store.arrivals_close(ctx, done)
    store.transfer_close(ctx, transfer_id=transfer_id)
    return replace(transfer, received_at=ctx.now, lines=done)


def transfer_page(
    ctx: Ctx, *, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[Transfer]:
    """Give transfers in the order they were sent; a supplier sees its own.

    Raises: Forbidden; CursorInvalid.
    """
    supplier_id = access.require(ctx, "supply:read")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.transfer_page(
        ctx,
        supplier_id=supplier_id,
        after=None if after is None else TransferId(after),
        limit=limit + 1,
    )
    return page_of(rows, limit=limit, key=lambda row: row.id.hex)


def _arrival(ctx: Ctx, new: NewArrival) -> Arrival:
    return Arrival(
        ArrivalId(new_id(ctx.now)),
        new.sku_id,
        new.warehouse_id,
        new.quantity,
        new.expected_on,
        new.reference,
        None,
        ArrivalState.EXPECTED,
        0,
        "",
        is_late=False,
    )


def _arrival_locked(ctx: Ctx, arrival_id: ArrivalId) -> Arrival:
    """Lock an arrival from outside that is there for the actor."""
    access.require(ctx, "supply:write")
    found = store.arrivals_lock(ctx, ids=[arrival_id])
    seen = access.warehouses_seen(ctx, [arrival.warehouse_id for arrival in found])
    if not seen or found[0].transfer_id is not None:
        raise NotFound(what=ARRIVAL_WORD, id=id_text(ARRIVAL_PREFIX, arrival_id))
    return found[0]


def _moved(arrival: Arrival, there: ArrivalState, *, received: int, reason: str) -> Arrival:
    ARRIVAL_STATES.check(arrival.state, there, label=id_text(ARRIVAL_PREFIX, arrival.id))
    return replace(arrival, state=there, received=received, reason=reason)


def _late_at(expected_on: date) -> datetime:
    return zone.day_begins_at(expected_on + timedelta(days=1))
