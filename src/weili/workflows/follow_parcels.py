"""What carriers tell moves packages, by the same verbs that suppliers have."""

from weili.kit.context import Ctx
from weili.modules import dropship
from weili.workflows.ship_package import deliver_package

_K = dropship.TrackKind
_P = dropship.PackageState


def parcels_followed(ctx: Ctx) -> int:
    """Act on what was newly told of packages; says how many orders were looked at.

    It asks what all tracks of a package come to, so that it does not matter in which order, or
    how often, they were told. A package whose way is over stays as it is: a parcel that is "in
    transit" after it was delivered is a carrier's late scan.
    """
    orders = dropship.orders_with_news(ctx)
    outcomes = dropship.news_take(ctx, orders=orders) if orders else {}
    for order in orders:
        for package in order.packages:
            outcome = outcomes.get(package.id)
            if outcome is None or package.state not in {_P.SHIPPED, _P.INTERCEPTING}:
                continue
            [child] = [child for child in order.children if child.id == package.child_id]
            if outcome is _K.DELIVERED:
                deliver_package(ctx, supplier_id=child.supplier_id, package_id=package.id)
    return len(orders)
