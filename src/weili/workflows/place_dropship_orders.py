"""Places dropship orders, many at once, each with an outcome of its own."""

from collections.abc import Mapping, Sequence

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import id_text
from weili.kit.problems import Problem
from weili.modules import dropship, inventory, ledger
from weili.workflows.order_snapshot import order_snapshot_asked

Refused = Asked[Mapping[int, Problem]]


def nothing_refused() -> Mapping[int, Problem]:
    """Refuse no order beforehand."""
    return {}


def place_dropship_orders(
    ctx: Ctx, *, commands: Sequence[dropship.PlaceOrder], refused: Refused = nothing_refused
) -> list[dropship.Outcome]:
    """Decide orders in the order they came, and write those accepted, set by set.

    A refused order stores nothing and changes nothing for its neighbours. The partner's number
    is the key: the same order again gets its first answer, another under the same number is
    refused. A known number waits like any other for the locks of what its order was made of.
    ``refused`` says which are not to be placed, and why; what it waits for comes with what
    deciding takes.

    What is written goes to the server in one journey with the commit.

    Raises: nothing for a single order's sake; Busy when the database can't take the batch.
    """
    wanted = [(command.partner_id, command.draft) for command in commands]
    read = order_snapshot_asked(ctx, wanted=wanted, lock=True)
    # Under the locks on the partners' balances: nobody else takes a number of theirs meanwhile, nor
    # lets an order wait. Most orders are new, so it goes in the same journey.
    answered = dropship.numbers_answered_asked(ctx, commands=commands)
    snapshot = read()
    outcomes, waiting = answered()
    outcomes |= refused()
    firsts: dict[tuple[object, str], int] = {}
    for index, command in enumerate(commands):
        if index not in outcomes:
            firsts.setdefault((command.partner_id, command.draft.number), index)
    fresh = sorted(firsts.values())
    _place(ctx, snapshot, commands, fresh=fresh, outcomes=outcomes, waiting=waiting)
    # Last, since what was accepted of the same batch has moved the balances.
    if shortages := _shortages(commands, fresh, outcomes):
        ledger.shortages_tell(ctx, shortages=shortages)
    for index, command in enumerate(commands):
        if index not in outcomes:
            first = firsts[(command.partner_id, command.draft.number)]
            outcomes[index] = _twin(command, commands[first], outcomes[first])
    return [outcomes[index] for index in range(len(commands))]


def _place(
    ctx: Ctx,
    snapshot: dropship.Snapshot,
    commands: Sequence[dropship.PlaceOrder],
    *,
    fresh: Sequence[int],
    outcomes: dict[int, dropship.Outcome],
    waiting: dict[PartyId, int],
) -> None:
    accepted: list[dropship.Accepted] = []
    reserving: list[list[inventory.Move]] = []
    for index in fresh:
        command = commands[index]
        assessment = dropship.assess(snapshot, command.partner_id, command.draft)
        ahead = waiting.get(command.partner_id)
        if unpaid := dropship.waiting(assessment, command.draft, ahead):
            assessment = unpaid
            waiting[command.partner_id] = (ahead or 0) + 1
        if assessment.problems:
            outcomes[index] = assessment.problems[0]
            continue
        dropship.take(snapshot, command.partner_id, assessment)
        order = dropship.order_sealed(
            ctx,
            partner_id=command.partner_id,
            draft=command.draft,
            children=assessment.children,
        )
        subjects = {
            child.warehouse_id: id_text(dropship.CHILD_PREFIX, child.id) for child in order.children
        }
        reserving.append(inventory.reservations(assessment.parts, subjects=subjects))
        answer = dropship.answer_of(order)
        accepted.append(dropship.Accepted(index, order, command.digest, answer))
    if not accepted:
        return
    orders = [item.order for item in accepted]
    moves = [move for each in reserving for move in each]
    inventory.lows_announce(ctx, book=snapshot.stock, moves=moves)
    with ctx.db.unawaited():
        dropship.numbers_claim(ctx, accepted=accepted)
        inventory.movements_write(ctx, moves=moves, is_locked=True)
        ledger.transfers_write(ctx, transfers=holds_for(orders))
        dropship.orders_insert(ctx, orders=orders)
    waits = [order for order in orders if order.state is dropship.OrderState.WAITING_FUNDS]
    _ring(ctx, snapshot, [order for order in orders if order not in waits] if waits else orders)
    for order in waits:
        left_minor = snapshot.available.get(order.partner_id, 0)
        dropship.order_waits(ctx, order=order, available_minor=left_minor)
    for item in accepted:
        outcomes[item.index] = dropship.Placed(item.order.id, item.answer_json, is_replay=False)


def _ring(ctx: Ctx, snapshot: dropship.Snapshot, orders: Sequence[dropship.Order]) -> None:
    """Tell partners whose balance the batch has brought below their alarm; asks nothing."""
    for partner_id, before in snapshot.alarms.items():
        held_minor = sum(
            order.goods_minor + order.freight_minor
            for order in orders
            if order.partner_id == partner_id
        )
        ledger.alarm_ring(ctx, before=before, after=before.moved(held_minor=held_minor))


def _shortages(
    commands: Sequence[dropship.PlaceOrder],
    fresh: Sequence[int],
    outcomes: Mapping[int, dropship.Outcome],
) -> dict[PartyId, ledger.Shortage]:
    """Give the first order of each partner that was refused for want of funds."""
    found: dict[PartyId, ledger.Shortage] = {}
    for index in fresh:
        refused = outcomes[index]
        if isinstance(refused, dropship.BalanceTooLow):
            command = commands[index]
            shortage = ledger.Shortage(
                command.draft.number, refused.needed_minor, refused.available_minor
            )
            found.setdefault(command.partner_id, shortage)
    return found


def _twin(
    command: dropship.PlaceOrder, first: dropship.PlaceOrder, outcome: dropship.Outcome
) -> dropship.Outcome:
    """Answer the second order of a batch that has the same number as an earlier one."""
    if not isinstance(outcome, dropship.Placed):
        return outcome
    if command.digest != first.digest:
        return dropship.NumberReused(
            number=command.draft.number,
            order_id=id_text(dropship.ORDER_PREFIX, outcome.order_id),
        )
    return dropship.Placed(outcome.order_id, outcome.answer_json, is_replay=True)


def holds_for(orders: Sequence[dropship.Order]) -> list[ledger.NewTransfer]:
    """Make the holds that set an order's money aside: goods and freight, child by child.

    For a child that waits for its partner's balance nothing is set aside yet.
    """
    revenue = ledger.account_id(ledger.AccountKind.PLATFORM_REVENUE, SYSTEM_PARTY)
    freight = ledger.account_id(ledger.AccountKind.PLATFORM_FREIGHT, SYSTEM_PARTY)
    holds = []
    for order in orders:
        prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, order.partner_id)
        for child in order.children:
            if child.state is dropship.OrderState.WAITING_FUNDS:
                continue
            subject = id_text(dropship.CHILD_PREFIX, child.id)
            for hold_id, credit, amount_minor, purpose in (
                (child.goods_hold_id, revenue, child.goods_minor, "goods"),
                (child.freight_hold_id, freight, child.freight_minor, "freight"),
            ):
                if hold_id is not None and amount_minor > 0:
                    holds.append(
                        ledger.NewTransfer(
                            id=hold_id,
                            party_id=order.partner_id,
                            kind=ledger.TransferKind.HOLD,
                            debit=prepaid,
                            credit=credit,
                            amount_minor=amount_minor,
                            purpose=purpose,
                            subject=subject,
                            expires_at=order.due_at,
                        )
                    )
    return holds
