"""A partner's order goes elsewhere, before anybody picks it."""

from collections.abc import Sequence

from msgspec.structs import replace

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.modules import dropship, goods, inventory, ledger, parties, pricing, regions
from weili.workflows.place_dropship_orders import holds_for

_S = dropship.OrderState
_UNPAID = {_S.WAITING_FUNDS}


def change_address(
    ctx: Ctx,
    *,
    partner_id: PartyId,
    order_id: dropship.OrderId,
    area_code: str,
    recipient: dropship.Recipient,
) -> dropship.Order | dropship.BalanceTooLow:
    """Send an order elsewhere, as long as no supplier's own system has seen where it went.

    The same warehouses must serve the new area, else nothing changes. The freight is what an order
    of these goods to the new area bears now: less goes back to the balance, more is held from it.
    It leaves on the day that was promised, and arrives when that area is reached from there. Whom
    it went to before is written over.

    Where the balance does not cover the difference, BalanceTooLow is given and not raised: nothing
    has moved, but the transaction is to be committed, since the partner is told of it.

    Raises: Forbidden; OrderUnknown; AreaUnknown; AreaReplaced; AddressFixed; AddressNotServed;
    AreaNotOnSale; FreightNotSet; AreaExcluded; WeightMissing.
    """
    ctx.require("orders:write")
    order = dropship.order_locked(ctx, partner_id=partner_id, order_id=order_id)
    live = [child for child in order.children if child.state not in {_S.CANCELLED, _S.SPLIT}]
    _movable_check(ctx, order, live)
    changed: list[dropship.Child] = []
    if area_code != order.area_code:
        promised = _promised(ctx, live, area_code)
        changed = dropship.freight_shared(promised, _charges(ctx, live, area_code))
        if [child.freight_minor for child in changed] != [child.freight_minor for child in live]:
            held = _freight_held(ctx, order, changed)
            if isinstance(held, dropship.BalanceTooLow):
                return held
            changed = held
    parties.audit_write(
        ctx,
        action="order.change_address",
        subject=id_text(dropship.ORDER_PREFIX, order.id),
        reason="asked by the partner",
    )
    return dropship.address_change(
        ctx, order=order, area_code=area_code, recipient=recipient, children=changed
    )


def _movable_check(ctx: Ctx, order: dropship.Order, live: Sequence[dropship.Child]) -> None:
    queued = dropship.queue_locked(ctx, child_ids=[child.id for child in live])
    connected = dropship.suppliers_connected(
        ctx, supplier_ids=[child.supplier_id for child in live]
    )
    for child in live:
        is_sent = child.id in queued and queued[child.id].attempts > 0
        is_seen = is_sent and child.supplier_id in connected
        is_early = child.state in {_S.HELD, _S.WAITING_FUNDS, _S.CONFIRMED, _S.RELEASED}
        if is_seen or not is_early:
            raise dropship.AddressFixed(
                order_id=id_text(dropship.ORDER_PREFIX, order.id),
                child_id=id_text(dropship.CHILD_PREFIX, child.id),
                state=child.state.value,
            )
    if not live:
        dropship.ROOT_STATES.require(
            order.state,
            {_S.HELD, _S.WAITING_FUNDS, _S.CONFIRMED, _S.RELEASED},
            label=id_text(dropship.ORDER_PREFIX, order.id),
        )


def _promised(ctx: Ctx, live: Sequence[dropship.Child], area_code: str) -> list[dropship.Child]:
    """Give the children with the days that their warehouses take to another area.

    Raises: AreaUnknown; AreaReplaced; AddressNotServed.
    """
    successors = regions.regions_addressable(ctx, codes=[area_code]).get(area_code)
    if successors is None:
        raise dropship.AreaUnknown(area_code=area_code)
    if successors:
        raise dropship.AreaReplaced(area_code=area_code, successors=" ".join(successors))
    skus = [line.sku_id for child in live for line in child.lines]
    book = inventory.sourcing_book(ctx, area_codes=[area_code], sku_ids=skus, lock=False)
    promised = []
    for child in live:
        lead_days = book.lead_days(area_code, child.warehouse_id)
        if lead_days is None:
            raise dropship.AddressNotServed(
                child_id=id_text(dropship.CHILD_PREFIX, child.id), area_code=area_code
            )
        arrives_on = inventory.arrives_on(child.ships_on, lead_days)
        promised.append(replace(child, lead_days=lead_days, arrives_on=arrives_on))
    return promised


def _charges(
    ctx: Ctx, live: Sequence[dropship.Child], area_code: str
) -> Sequence[pricing.FreightCharge]:
    """Give what the freight of an order's goods to another area comes to."""
    sku_ids = list({line.sku_id for child in live for line in child.lines})
    skus = goods.skus_get(ctx, sku_ids=sku_ids)
    for child in live:
        for line in child.lines:
            if not goods.is_sold_to(skus[line.sku_id].terms, area_code):
                raise goods.AreaNotOnSale(
                    line_no=line.line_no,
                    sku_id=id_text(goods.SKU_PREFIX, line.sku_id),
                    area_code=area_code,
                )
    weights_g = {sku_id: sku.weight_g for sku_id, sku in skus.items()}
    book = pricing.freight_book(ctx, area_codes=[area_code], sku_ids=sku_ids)
    return book.freight_minor(area_code, dropship.freight_lines(live, weights_g))


def _freight_held(
    ctx: Ctx, order: dropship.Order, children: Sequence[dropship.Child]
) -> list[dropship.Child] | dropship.BalanceTooLow:
    """Give back what is held for freight and hold the new freight; gives the children with it.

    Where the balance does not cover the difference, the partner is told, and nothing is written.
    """
    renewed = [
        replace(
            child,
            freight_hold_id=ledger.TransferId(new_id(ctx.now)) if child.freight_minor else None,
        )
        for child in children
    ]
    if children[0].state in _UNPAID:
        dropship.holds_replace(ctx, order=order, children=renewed)
        return renewed
    prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, order.partner_id)
    balance = ledger.balances_lock(ctx, account_ids=[prepaid])[prepaid]
    moving = {child.id for child in renewed}
    before = [child for child in order.children if child.id in moving and child.freight_minor]
    freed_minor = sum(child.freight_minor for child in before if child.freight_hold_id is not None)
    more_minor = sum(child.freight_minor for child in renewed) - freed_minor
    if more_minor > balance.available_minor:
        short = ledger.Shortage(order.number, more_minor, balance.available_minor)
        ledger.shortages_tell(ctx, shortages={order.partner_id: short})
        return dropship.BalanceTooLow(
            needed_minor=more_minor, available_minor=balance.available_minor
        )
    ledger.holds_settle(
        ctx,
        settlements=[
            ledger.Settlement(
                hold_id=hold_id,
                party_id=order.partner_id,
                post_minor=0,
                void_rest=True,
                subject=id_text(dropship.CHILD_PREFIX, child.id),
                purpose="address_changed",
            )
            for child in before
            if (hold_id := child.freight_hold_id) is not None
        ],
    )
    holds = holds_for([replace(order, children=renewed)])
    freight_ids = {child.freight_hold_id for child in renewed}
    ledger.transfers_write(ctx, transfers=[hold for hold in holds if hold.id in freight_ids])
    dropship.holds_replace(ctx, order=order, children=renewed)
    ledger.alarm_ring(ctx, before=balance, after=balance.moved(held_minor=more_minor))
    return renewed
