"""A supplier won't send pieces of a child order: they are sourced anew, or refunded as short."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.modules import dropship, goods, inventory, ledger
from weili.workflows.cancel_order import cancel_children
from weili.workflows.place_dropship_orders import holds_for

_S = dropship.OrderState


class _Elsewhere(NamedTuple):
    """What was read of other warehouses, and what of the pieces they take: (line number, part)."""

    book: inventory.SourcingBook
    parts: Sequence[tuple[int, inventory.Part]]


def refuse_child(
    ctx: Ctx,
    *,
    supplier_id: PartyId,
    child_id: dropship.ChildId,
    pieces: Mapping[int, int] | None = None,
) -> dropship.OrderState:
    """Record that a supplier won't send pieces of a child order, or any that are left of it.

    What other warehouses that serve the area have goes there, as new children; the rest is short:
    it is cancelled and its money given back. A refusal while the supplier is asked to cancel is
    its yes. Refusing all of what is over already changes nothing. Gives the child's state then.

    Raises: OrderUnknown; PiecesNotLeft; StateConflict.
    """
    ctx.require("supply:write")
    order, child = dropship.child_locked(ctx, supplier_id=supplier_id, child_id=child_id)
    if child.state is _S.CANCELLING and pieces is None:
        cancel_children(ctx, moves=[(order, {child_id: _S.CANCELLED})], reason="asked")
        return _S.CANCELLED
    if not dropship.is_refusable(child):
        if pieces is None:
            return child.state
        label = id_text(dropship.CHILD_PREFIX, child.id)
        dropship.CHILD_STATES.check(child.state, _S.SPLIT, label=label)
    refused = dropship.pieces_refused(child, pieces)
    is_whole = sum(refused.values()) == sum(line.quantity for line in child.lines)
    elsewhere = _sourced_elsewhere(ctx, order, child, refused)
    if is_whole and not elsewhere.parts:
        cancel_children(ctx, moves=[(order, {child_id: _S.CANCELLED})], reason="supplier_refused")
        return _S.CANCELLED
    return _part(ctx, order, child, refused, elsewhere)


def _sourced_elsewhere(
    ctx: Ctx, order: dropship.Order, child: dropship.Child, refused: Mapping[int, int]
) -> _Elsewhere:
    """Find other warehouses for as many of the pieces as they have.

    Locks their places, and those that are given up.
    """
    sku_ids = [line.sku_id for line in child.lines if line.line_no in refused]
    inventory.skus_locked(ctx, sku_ids=sku_ids)
    book = inventory.sourcing_book(ctx, area_codes=[order.area_code], sku_ids=sku_ids, lock=True)
    if len(order.children) >= dropship.CHILDREN_MAX:
        return _Elsewhere(book, [])
    skus = {line.line_no: line.sku_id for line in child.lines}
    numbers = sorted(refused)
    for warehouse_id in dropship.warehouses_refused(order, child):
        book.close(warehouse_id)
    bundles = bundles_of(ctx, list(skus.values()))
    wanted = {line_no: refused[line_no] for line_no in numbers}
    while numbers := [line_no for line_no in numbers if wanted[line_no]]:
        found = inventory.source(
            book,
            area_code=order.area_code,
            lines=[(skus[line_no], wanted[line_no]) for line_no in numbers],
            partner_id=order.partner_id,
            bundles=bundles,
        )
        if isinstance(found, inventory.Sourced):
            parts = [(numbers[part.line_index], part) for part in found.parts]
            return _Elsewhere(book, parts)
        if isinstance(found, inventory.NotServed):
            break
        wanted[numbers[found.line_index]] = found.available
    return _Elsewhere(book, [])


def bundles_of(ctx: Ctx, sku_ids: Sequence[goods.SkuId]) -> inventory.Bundles:
    """Say which of the SKUs are bundles, and what of: that is what has to lie somewhere."""
    return {
        sku_id: [(part.sku_id, part.quantity) for part in parts]
        for sku_id, parts in goods.bundle_parts(ctx, sku_ids=list(set(sku_ids))).items()
    }


def _part(
    ctx: Ctx,
    order: dropship.Order,
    child: dropship.Child,
    refused: Mapping[int, int],
    elsewhere: _Elsewhere,
) -> dropship.OrderState:
    """Take the refused pieces off a child; gives its state then."""
    kept, freight = dropship.lines_without(child, refused)
    short = dict(refused)
    for line_no, part in elsewhere.parts:
        short[line_no] -= part.quantity
    here = [
        (line_no, _here(child, line_no, quantity))
        for line_no, quantity in short.items()
        if quantity
    ]
    added = dropship.children_from(ctx.now, child, parts=[*elsewhere.parts, *here], freight=freight)
    lost = [new for new in added if new.warehouse_id == child.warehouse_id]
    again = [new for new in added if new.warehouse_id != child.warehouse_id]
    _stock_moved(ctx, child, refused, elsewhere, again)
    _money_moved(ctx, order, child, added, again)
    is_left = any(line.quantity for line in kept)
    changed = [replace(child, lines=kept)] if is_left else []
    now = dropship.children_change(ctx, order=order, changed=changed, added=added)
    if lost:
        dropship.children_move(
            ctx,
            moves=[(now, {new.id: _S.CANCELLED for new in lost})],
            reason="short",
            data={"reason": "short"},
        )
        [now] = dropship.orders_read(ctx, ids=[order.id])
    there = dropship.child_shrunk(ctx, order=now, child_id=child.id, is_gone=not is_left)
    if there is not child.state:
        dropship.queue_set(ctx, child_ids=[child.id], state=dropship.QueueState.CLOSED)
    now = dropship.order_split(ctx, order_id=order.id)
    dropship.queue_feed(ctx, orders=[now])
    return there


def _here(child: dropship.Child, line_no: int, quantity: int) -> inventory.Part:
    """Make the part of a line that stays, on paper, where it is not."""
    sku_id = next(line.sku_id for line in child.lines if line.line_no == line_no)
    return inventory.Part(
        0, sku_id, child.warehouse_id, child.supplier_id, quantity, child.lead_days, None, ()
    )


def _stock_moved(
    ctx: Ctx,
    child: dropship.Child,
    refused: Mapping[int, int],
    elsewhere: _Elsewhere,
    again: Sequence[dropship.Child],
) -> None:
    """Promise the pieces from where they come now, and no more from where they do not."""
    label = id_text(dropship.CHILD_PREFIX, child.id)
    skus = {line.line_no: line.sku_id for line in child.lines}
    release = [
        inventory.Move(
            inventory.MoveKind.RELEASE, skus[line_no], child.warehouse_id, quantity, label
        )
        for line_no, quantity in refused.items()
    ]
    subjects = {new.warehouse_id: id_text(dropship.CHILD_PREFIX, new.id) for new in again}
    reserve = inventory.reservations([part for _, part in elsewhere.parts], subjects=subjects)
    inventory.lows_announce(ctx, book=elsewhere.book, moves=reserve)
    inventory.movements_write(ctx, moves=release + reserve)


def _money_moved(
    ctx: Ctx,
    order: dropship.Order,
    child: dropship.Child,
    added: Sequence[dropship.Child],
    again: Sequence[dropship.Child],
) -> None:
    """Give back what was held for the pieces, and hold it for where they come from now.

    Both are written together: what is short is all that becomes available.
    """
    prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, order.partner_id)
    ledger.balances_lock(ctx, account_ids=[prepaid])
    voids = [
        ledger.NewTransfer(
            id=ledger.TransferId(new_id(ctx.now)),
            party_id=order.partner_id,
            kind=ledger.TransferKind.VOID,
            debit=prepaid,
            credit=ledger.account_id(kind, SYSTEM_PARTY),
            amount_minor=amount_minor,
            purpose="supplier_refused",
            subject=id_text(dropship.CHILD_PREFIX, child.id),
            hold_id=hold_id,
        )
        for kind, hold_id, amount_minor in (
            (
                ledger.AccountKind.PLATFORM_REVENUE,
                child.goods_hold_id,
                sum(new.goods_minor for new in added),
            ),
            (
                ledger.AccountKind.PLATFORM_FREIGHT,
                child.freight_hold_id,
                sum(new.freight_minor for new in added),
            ),
        )
        if amount_minor
    ]
    holds = holds_for([replace(order, children=again, due_at=None)])
    ledger.transfers_write(ctx, transfers=voids + holds)
