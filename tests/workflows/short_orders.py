"""Orders that are placed and soon cancelled, for what becomes of old rows."""

from tests.market import Market
from weili.modules import dropship
from weili.workflows.cancel_order import cancel_order
from weili.workflows.place_dropship_orders import place_dropship_orders


def order(market: Market, number: str) -> None:
    """Place an order for two teas."""
    with market.world.begin() as ctx:
        place_dropship_orders(ctx, commands=[market.command(market.draft(number, (market.tea, 2)))])


def cancel(market: Market, number: str) -> None:
    """Cancel it."""
    with market.world.begin() as ctx:
        placed = dropship.order_by_number(ctx, partner_id=market.street, number=number)
        cancel_order(ctx, partner_id=market.street, order_id=placed.id)
