"""What carriers tell moves packages, by the same verbs that suppliers have."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from weili.kit.context import Ctx
from weili.modules import dropship
from weili.workflows.lose_package import lose_package
from weili.workflows.return_package import package_refused, prepaid_lock
from weili.workflows.ship_package import deliver_package

_K = dropship.TrackKind
_P = dropship.PackageState
_UNDER_WAY: Final = frozenset({_P.SHIPPED, _P.INTERCEPTING})

_VERBS: Final[Mapping[_K, tuple[frozenset[_P], Callable[..., dropship.Package]]]] = {
    _K.DELIVERED: (_UNDER_WAY, deliver_package),
    _K.REFUSED: (_UNDER_WAY, package_refused),
    # Only who has the goods can say that there are more to send, so a carrier's word refunds.
    _K.LOST: (_UNDER_WAY | {_P.RETURNING}, partial(lose_package, send_again=False)),
}
"""How a way ended: in which states of the package that is news, and what it then does."""


def parcels_followed(ctx: Ctx) -> int:
    """Act on what was newly told of packages; says how many orders were looked at.

    It asks what all tracks of a package come to, so that it does not matter how often, or in
    which order, they were told before it looked. A package whose way is over stays as it is: a
    parcel that is "in transit" after it was delivered is a carrier's late scan, and what is
    "delivered" after it was refused came back to its sender, who says in what condition.
    """
    orders = dropship.orders_with_news(ctx)
    outcomes = dropship.news_take(ctx, orders=orders) if orders else {}
    due = [
        (order, package, outcome)
        for order in orders
        for package in order.packages
        if (outcome := outcomes.get(package.id)) and package.state in _VERBS[outcome][0]
    ]
    # Several partners' balances may follow; all are locked at once, since each way by itself
    # would lock them in the order of the orders.
    prepaid_lock(
        ctx, partner_ids={order.partner_id for order, _, outcome in due if outcome is _K.LOST}
    )
    for order, package, outcome in due:
        [child] = [child for child in order.children if child.id == package.child_id]
        _, verb = _VERBS[outcome]
        verb(ctx, supplier_id=child.supplier_id, package_id=package.id)
    return len(orders)
