"""Releases orders that waited for their partner's balance, in the order in which they came."""

from msgspec.structs import replace

from weili.kit.context import Ctx
from weili.modules import dropship, ledger
from weili.workflows.place_dropship_orders import holds_for

_S = dropship.OrderState


def release_waiting(ctx: Ctx) -> int:
    """Confirm the orders that balances have come to cover; says how many, a bounded number.

    A partner's orders go one after another: the first that its balance does not cover keeps those
    behind it waiting, so that a large order is not overtaken for ever by small ones.
    """
    first = dict(dropship.partners_waiting(ctx))
    accounts = {
        ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, partner_id): partner_id
        for partner_id in first
    }
    seen = ledger.balances_read(ctx, account_ids=list(accounts))
    able = [
        partner_id
        for account, partner_id in accounts.items()
        if account in seen and seen[account].available_minor >= first[partner_id]
    ]
    if not able:
        return 0
    orders = dropship.orders_waiting_locked(ctx, partner_ids=able)
    locked = ledger.balances_lock(
        ctx, account_ids=[account for account, partner_id in accounts.items() if partner_id in able]
    )
    left = {accounts[account]: balance.available_minor for account, balance in locked.items()}
    paid: list[dropship.Order] = []
    for order in orders:
        needed_minor = order.goods_minor + order.freight_minor
        if needed_minor <= left[order.partner_id]:
            left[order.partner_id] -= needed_minor
            paid.append(order)
        else:
            left[order.partner_id] = -1
    confirmed = [
        replace(
            order,
            due_at=None,
            children=[replace(child, state=_S.CONFIRMED) for child in order.children],
        )
        for order in paid
    ]
    ledger.transfers_write(ctx, transfers=holds_for(confirmed))
    dropship.children_move(
        ctx,
        moves=[(order, {child.id: _S.CONFIRMED for child in order.children}) for order in paid],
        reason="balance covers it",
    )
    for order in paid:
        dropship.order_confirmed(ctx, order=order)
    for account, before in locked.items():
        held_minor = sum(
            order.goods_minor + order.freight_minor
            for order in paid
            if order.partner_id == accounts[account]
        )
        ledger.alarm_ring(ctx, before=before, after=before.moved(held_minor=held_minor))
    return len(paid)
