"""A partner asks to stop what is on its way; who carries it answers later."""

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.modules import dropship
from weili.workflows.return_package import package_turned

_P = dropship.PackageState


def intercept_order(
    ctx: Ctx,
    *,
    partner_id: PartyId,
    order_id: dropship.OrderId,
    package_id: dropship.PackageId | None = None,
) -> dropship.Order:
    """Ask to intercept a package of a partner's order, or all that are on their way.

    The answer comes as ``order.returning`` or ``order.intercept_failed``; when none comes in time
    the package goes on. Asking again changes nothing.

    Raises: OrderUnknown; NothingToIntercept.
    """
    ctx.require("orders:write")
    order = dropship.order_locked(ctx, partner_id=partner_id, order_id=order_id)
    asked = [
        package for package in order.packages if package_id is None or package.id == package_id
    ]
    if not any(package.state in {_P.SHIPPED, _P.INTERCEPTING} for package in asked):
        raise dropship.NothingToIntercept(order_id=id_text(dropship.ORDER_PREFIX, order.id))
    for package in asked:
        if package.state is _P.SHIPPED:
            order = dropship.package_move(
                ctx,
                order=order,
                package=package,
                there=_P.INTERCEPTING,
                reason="asked to intercept",
                due_at=ctx.now + dropship.INTERCEPT_LASTS,
            )
    return order


def intercept_answered(
    ctx: Ctx, *, supplier_id: PartyId | None, package_id: dropship.PackageId, stopped: bool
) -> dropship.Package:
    """Record whether a package that was to be intercepted was; without supplier: the operator.

    Stopped, it comes back; if not, it goes on. An answer to nothing that was asked changes nothing.

    Raises: OrderUnknown.
    """
    ctx.require("supply:write" if supplier_id is not None else "admin:orders")
    order, package = dropship.package_any_locked(
        ctx, supplier_id=supplier_id, package_id=package_id
    )
    if package.state is not _P.INTERCEPTING:
        return package
    if stopped:
        cause = dropship.ReturnCause.INTERCEPTED
        return package_turned(ctx, order=order, package=package, cause=cause)
    return _gone_on(ctx, order, package, reason="could not be stopped")


def intercepts_expire(ctx: Ctx) -> int:
    """Let packages go on that nobody stopped in time; says how many orders it touched."""
    orders = dropship.packages_overdue(ctx, state=_P.INTERCEPTING)
    for order in orders:
        for package in order.packages:
            if package.state is _P.INTERCEPTING and dropship.is_overdue(package, ctx.now):
                [now] = dropship.orders_read(ctx, ids=[order.id])
                _gone_on(ctx, now, package, reason="nobody stopped it")
    return len(orders)


def _gone_on(
    ctx: Ctx, order: dropship.Order, package: dropship.Package, *, reason: str
) -> dropship.Package:
    order = dropship.package_move(
        ctx, order=order, package=package, there=_P.SHIPPED, reason=reason
    )
    return dropship.package_told(ctx, dropship.INTERCEPT_FAILED, order=order, package_id=package.id)
