"""A supplier sends a package, and later it arrives."""

from collections.abc import Sequence

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.modules import dropship, inventory, ledger

_S = dropship.OrderState
_P = dropship.PackageState


def ship_package(
    ctx: Ctx,
    *,
    supplier_id: PartyId,
    child_id: dropship.ChildId,
    carrier_code: str,
    waybill_number: str,
    lines: Sequence[dropship.PackageLine],
    carrier_name: str | None = None,
) -> dropship.Package:
    """Record a package that has left.

    Its pieces leave stock, its share of the held money is taken, and the supplier is owed its
    cost. The same waybill again changes nothing and gives the same package.

    Raises: OrderUnknown; StateConflict; PackageEmpty; PackageOverfull; PackagesTooMany;
    WaybillReused; WaybillTaken; CarrierUnknown; CarrierNameAmiss; WaybillMalformed.
    """
    ctx.require("supply:write")
    dropship.carrier_check(carrier_code, name=carrier_name, waybill_number=waybill_number)
    order, child = dropship.child_locked(ctx, supplier_id=supplier_id, child_id=child_id)
    if again := _shipped_before(order, child_id, carrier_code, waybill_number, lines):
        return again
    if sum(package.child_id == child_id for package in order.packages) >= dropship.PACKAGES_MAX:
        raise dropship.PackagesTooMany(
            child_id=id_text(dropship.CHILD_PREFIX, child_id), packages_max=dropship.PACKAGES_MAX
        )
    worth = dropship.package_worth(child, lines)
    there = dropship.state_after_package(child, lines)
    if there is not child.state:
        label = id_text(dropship.CHILD_PREFIX, child.id)
        dropship.CHILD_STATES.check(child.state, there, label=label)
    dropship.waybill_check(
        ctx, supplier_id=supplier_id, carrier_code=carrier_code, waybill_number=waybill_number
    )
    package = dropship.Package(
        id=dropship.package_id_for(ctx),
        child_id=child_id,
        carrier_code=carrier_code,
        waybill_number=waybill_number,
        lines=lines,
        shipped_at=ctx.now,
        delivered_at=None,
        worth=worth,
        carrier_name=carrier_name,
    )
    _leave_stock(ctx, child, package)
    _settle(ctx, order, child, package, worth)
    dropship.package_add(ctx, order=order, package=package)
    if child.state is _S.CANCELLING:
        dropship.cancel_refused(ctx, order=order, child=child)
    dropship.queue_set(
        ctx,
        child_ids=[child.id],
        state=dropship.QueueState.CLOSED if there is _S.SHIPPED else dropship.QueueState.TAKEN,
    )
    dropship.children_move(
        ctx,
        moves=[(order, {child.id: there})],
        reason="shipped",
        data={
            "package_id": id_text(dropship.PACKAGE_PREFIX, package.id),
            "carrier_code": carrier_code,
            "waybill_number": waybill_number,
        },
    )
    return package


def deliver_package(
    ctx: Ctx, *, supplier_id: PartyId, package_id: dropship.PackageId
) -> dropship.Package:
    """Record that a package has arrived; the last one makes its child order delivered.

    Saying it again changes nothing.

    Raises: OrderUnknown; StateConflict, when it came back or was lost before.
    """
    ctx.require("supply:write")
    order, package = dropship.package_locked(ctx, supplier_id=supplier_id, package_id=package_id)
    if package.delivered_at is not None:
        return package
    after = dropship.package_move(
        ctx, order=order, package=package, there=_P.DELIVERED, reason="delivered"
    )
    return next(other for other in after.packages if other.id == package.id)


def _shipped_before(
    order: dropship.Order,
    child_id: dropship.ChildId,
    carrier_code: str,
    waybill_number: str,
    lines: Sequence[dropship.PackageLine],
) -> dropship.Package | None:
    for package in order.packages:
        if (package.child_id, package.carrier_code, package.waybill_number) == (
            child_id,
            carrier_code,
            waybill_number,
        ):
            if sorted(_counts(package.lines)) != sorted(_counts(lines)):
                raise dropship.WaybillReused(
                    carrier_code=carrier_code, waybill_number=waybill_number
                )
            return package
    return None


def _counts(lines: Sequence[dropship.PackageLine]) -> list[tuple[int, int]]:
    return [(line.line_no, line.quantity) for line in lines]


def _leave_stock(ctx: Ctx, child: dropship.Child, package: dropship.Package) -> None:
    skus = {line.line_no: line.sku_id for line in child.lines}
    inventory.movements_write(
        ctx,
        moves=[
            inventory.Move(
                inventory.MoveKind.ISSUE,
                skus[line.line_no],
                child.warehouse_id,
                line.quantity,
                id_text(dropship.PACKAGE_PREFIX, package.id),
            )
            for line in package.lines
        ],
    )


def _settle(
    ctx: Ctx,
    order: dropship.Order,
    child: dropship.Child,
    package: dropship.Package,
    worth: dropship.Worth,
) -> None:
    subject = id_text(dropship.PACKAGE_PREFIX, package.id)
    ledger.holds_settle(
        ctx,
        settlements=[
            ledger.Settlement(
                hold_id=hold_id,
                party_id=order.partner_id,
                post_minor=amount_minor,
                void_rest=False,
                subject=subject,
                purpose=purpose,
            )
            for hold_id, amount_minor, purpose in (
                (child.goods_hold_id, worth.goods_minor, "goods"),
                (child.freight_hold_id, worth.freight_minor, "freight"),
            )
            if hold_id is not None and amount_minor > 0
        ],
    )
    if worth.cost_minor > 0:
        ledger.transfers_write(
            ctx,
            transfers=[
                ledger.NewTransfer(
                    id=ledger.TransferId(new_id(ctx.now)),
                    party_id=child.supplier_id,
                    kind=ledger.TransferKind.DIRECT,
                    debit=ledger.account_id(ledger.AccountKind.PLATFORM_COST, SYSTEM_PARTY),
                    credit=ledger.account_id(
                        ledger.AccountKind.SUPPLIER_PAYABLE, child.supplier_id
                    ),
                    amount_minor=worth.cost_minor,
                    purpose="cost",
                    subject=subject,
                )
            ],
        )
