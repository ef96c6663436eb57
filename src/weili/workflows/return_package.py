"""A package comes back: refused by its receiver or intercepted, then returned and settled."""

from collections.abc import Iterable
from dataclasses import replace

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.modules import dropship, inventory, ledger

_P = dropship.PackageState


def package_refused(
    ctx: Ctx, *, supplier_id: PartyId | None, package_id: dropship.PackageId
) -> dropship.Package:
    """Record that the receiver would not take a package: it comes back. Twice is once.

    Raises: OrderUnknown; StateConflict, when it was delivered, lost or settled before.
    """
    ctx.require("supply:write" if supplier_id is not None else "admin:orders")
    order, package = dropship.package_any_locked(
        ctx, supplier_id=supplier_id, package_id=package_id
    )
    if package.state in {_P.RETURNING, _P.RETURNED}:
        return package
    cause = dropship.ReturnCause.REFUSED
    return package_turned(ctx, order=order, package=package, cause=cause)


def package_turned(
    ctx: Ctx,
    *,
    order: dropship.Order,
    package: dropship.Package,
    cause: dropship.ReturnCause,
) -> dropship.Package:
    """Turn a package of a locked order back.

    Raises: StateConflict.
    """
    order = dropship.package_move(
        ctx,
        order=order,
        package=replace(package, back=cause),
        there=_P.RETURNING,
        reason=cause.value,
        due_at=ctx.now + dropship.RETURN_LASTS,
    )
    return dropship.package_told(
        ctx,
        dropship.ORDER_RETURNING,
        order=order,
        package_id=package.id,
        data={"reason": cause.value},
    )


def package_returned(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None,
    package_id: dropship.PackageId,
    condition: dropship.Condition,
) -> dropship.Package:
    """Record that a package is back, and settle it. Twice is once.

    The goods' amount goes back to the prepaid balance, the freight of a way that was gone does
    not; the supplier is not owed for it any more. What is good lies in stock again, what is
    damaged is written off.

    Raises: OrderUnknown; StateConflict, when it was not on its way back.
    """
    ctx.require("supply:write" if supplier_id is not None else "admin:orders")
    order, package = dropship.package_any_locked(
        ctx, supplier_id=supplier_id, package_id=package_id
    )
    if package.state is _P.RETURNED:
        return package
    worth = dropship.refund_of(package, _P.RETURNED)
    _into_stock(ctx, order, package, condition)
    money_back(ctx, order=order, package=package, worth=worth)
    order = dropship.package_move(
        ctx,
        order=order,
        package=replace(package, condition=condition),
        there=_P.RETURNED,
        reason=condition.value,
    )
    return refund_told(ctx, order=order, package=package, worth=worth, reason="returned")


def returns_expire(ctx: Ctx) -> int:
    """Settle packages that never came back as lost on the way; says how many orders it touched."""
    orders = dropship.packages_overdue(ctx, state=_P.RETURNING)
    # Several partners' balances follow; each order by itself would lock them in its own order.
    prepaid_lock(ctx, partner_ids={order.partner_id for order in orders})
    for order in orders:
        for package in order.packages:
            if package.state is _P.RETURNING and dropship.is_overdue(package, ctx.now):
                [now] = dropship.orders_read(ctx, ids=[order.id])
                package_lost(ctx, order=now, package=package, reason="never came back")
    return len(orders)


def package_lost(
    ctx: Ctx, *, order: dropship.Order, package: dropship.Package, reason: str
) -> dropship.Package:
    """Settle a package of a locked order as lost: its money goes back, and nothing else comes.

    Raises: StateConflict.
    """
    worth = dropship.refund_of(package, _P.LOST)
    money_back(ctx, order=order, package=package, worth=worth)
    order = dropship.package_move(ctx, order=order, package=package, there=_P.LOST, reason=reason)
    dropship.package_told(
        ctx,
        dropship.PARCEL_LOST,
        order=order,
        package_id=package.id,
        data={"outcome": "refunded"},
    )
    return refund_told(ctx, order=order, package=package, worth=worth, reason="lost")


def prepaid_lock(ctx: Ctx, *, partner_ids: Iterable[PartyId]) -> None:
    """Lock partners' balances, all at once and so in the one order."""
    prepaid = ledger.AccountKind.PARTNER_PREPAID
    ids = [ledger.account_id(prepaid, partner_id) for partner_id in partner_ids]
    if ids:
        ledger.balances_lock(ctx, account_ids=ids)


def money_back(
    ctx: Ctx, *, order: dropship.Order, package: dropship.Package, worth: dropship.Worth
) -> None:
    """Give a package's money back to the partner, and take its cost back from the supplier."""
    child = next(child for child in order.children if child.id == package.child_id)
    prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, order.partner_id)
    ledger.balances_lock(ctx, account_ids=[prepaid])
    ledger.transfers_write(
        ctx,
        transfers=[
            ledger.NewTransfer(
                id=ledger.TransferId(new_id(ctx.now)),
                party_id=party_id,
                kind=ledger.TransferKind.DIRECT,
                debit=debit,
                credit=credit,
                amount_minor=amount_minor,
                purpose=purpose,
                subject=id_text(dropship.PACKAGE_PREFIX, package.id),
            )
            for party_id, debit, credit, amount_minor, purpose in (
                (
                    order.partner_id,
                    ledger.account_id(ledger.AccountKind.PLATFORM_REVENUE, SYSTEM_PARTY),
                    prepaid,
                    worth.goods_minor,
                    dropship.PURPOSE_GOODS_BACK,
                ),
                (
                    order.partner_id,
                    ledger.account_id(ledger.AccountKind.PLATFORM_FREIGHT, SYSTEM_PARTY),
                    prepaid,
                    worth.freight_minor,
                    dropship.PURPOSE_FREIGHT_BACK,
                ),
                (
                    child.supplier_id,
                    ledger.account_id(ledger.AccountKind.SUPPLIER_PAYABLE, child.supplier_id),
                    ledger.account_id(ledger.AccountKind.PLATFORM_COST, SYSTEM_PARTY),
                    worth.cost_minor,
                    dropship.PURPOSE_COST_BACK,
                ),
            )
            if amount_minor
        ],
    )


def refund_told(
    ctx: Ctx,
    *,
    order: dropship.Order,
    package: dropship.Package,
    worth: dropship.Worth,
    reason: str,
) -> dropship.Package:
    """Announce that a package's money went back; gives the package as it stands now."""
    return dropship.package_told(
        ctx,
        dropship.ORDER_REFUNDED,
        order=order,
        package_id=package.id,
        data={
            "goods_minor": worth.goods_minor,
            "freight_minor": worth.freight_minor,
            "reason": reason,
        },
    )


def _into_stock(
    ctx: Ctx,
    order: dropship.Order,
    package: dropship.Package,
    condition: dropship.Condition,
) -> None:
    """Count what is back into stock, and what is damaged out of it again: both are written down."""
    child = next(child for child in order.children if child.id == package.child_id)
    skus = {line.line_no: line.sku_id for line in child.lines}
    subject = id_text(dropship.PACKAGE_PREFIX, package.id)
    kinds = [inventory.MoveKind.RETURN]
    if condition is dropship.Condition.DAMAGED:
        kinds.append(inventory.MoveKind.DAMAGE)
    inventory.movements_write(
        ctx,
        moves=[
            inventory.Move(kind, skus[line.line_no], child.warehouse_id, line.quantity, subject)
            for kind in kinds
            for line in package.lines
        ],
    )
