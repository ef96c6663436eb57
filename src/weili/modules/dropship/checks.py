"""Looks for orders that contradict themselves. Part of ``weili verify``."""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.findings import Finding
from weili.kit.ids import id_past, id_text
from weili.kit.secrets import KeyRingError
from weili.kit.tallies import Parts, Tally
from weili.modules.dropship import rules
from weili.modules.dropship.events import CHILD_MOVED, ORDER_SHIPPED
from weili.modules.dropship.model import (
    CHILD_PREFIX,
    ORDER_PREFIX,
    PACKAGE_PREFIX,
    OrderId,
    TradedLines,
    Worth,
)
from weili.modules.dropship.states import (
    CHILD_STATES,
    PACKAGE_STATES,
    ROOT_STATES,
    OrderState,
    PackageState,
)
from weili.modules.dropship.store import checks as store
from weili.modules.parties import PARTY_PREFIX


def open_quantities(ctx: Ctx) -> dict[tuple[UUID, UUID], int]:
    """Say how many pieces orders still wait for, by SKU and warehouse."""
    return {(sku, place): count for sku, place, count in store.open_quantities(ctx) if count}


def orders_open(ctx: Ctx, *, until: datetime, limit: int) -> list[OrderId]:
    """Give the first orders placed until a moment, or soon after it, that have not ended."""
    return store.orders_open(ctx, before=id_past(until), ended=ROOT_STATES.final(), limit=limit)


def open_amounts(ctx: Ctx) -> Parts[UUID]:
    """Say how much each hold should still hold for pieces not shipped: of its partner, in fen."""
    return store.open_amounts(ctx)


def amounts_taken(ctx: Ctx) -> Parts[UUID]:
    """Say how much each hold should have given for pieces shipped: of its partner, in fen."""
    return store.amounts_taken(ctx)


def package_costs(ctx: Ctx) -> Parts[str]:
    """Say what each package earned its supplier, in fen; nothing where that is nothing."""
    return store.package_costs(ctx)


def packages_worth_back(ctx: Ctx) -> dict[tuple[str, PartyId], Worth]:
    """Say what went back for each package that came back or was lost, by package and partner."""
    return {
        (id_text(PACKAGE_PREFIX, package_id), PartyId(partner_id)): Worth(*amounts)
        for package_id, partner_id, *amounts in store.packages_back(ctx)
    }


def traded_lines(ctx: Ctx, *, zone: str) -> dict[tuple[UUID, date], TradedLines]:
    """Say what goods were sold for by the order lines, by SKU and day in a time zone."""
    return {
        (sku_id, on): TradedLines(
            None if sure_at is None else (sure_low, sure_high, sure_at),
            (low, high, last_at),
            (last_low, last_high),
        )
        for sku_id, on, sure_low, sure_high, sure_at, low, high, last_at, last_low, last_high in (
            store.traded_lines(ctx, zone=zone)
        )
    }


def child_stories(ctx: Ctx, *, since: UUID) -> Tally[str, str]:
    """Say what should have been announced of each child that has moved, in order, to its partner.

    Children whose ids are less than ``since`` are left out.

    A step is announced once, but for shipping: that is announced for each package, and only the
    first and the last of them are steps.
    """
    told = {state.value: event.name for state, event in CHILD_MOVED.items()}
    return store.child_stories(ctx, told=told, often=ORDER_SHIPPED.name, since=since)


def order_stories(ctx: Ctx, *, story: str, since: UUID) -> Tally[str, str]:
    """Say of every order, from an id on, that this should have been announced of it."""
    return store.order_stories(ctx, story=story, since=since)


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find numbers that name two orders, waits without an end, and queues that contradict."""
    for order_id, number in store.numbers_off(ctx):
        yield Finding(
            "one_order_per_number",
            id_text(ORDER_PREFIX, order_id),
            f"the number {number!r} and its order do not name each other",
            "restore the number's row from the order, or the order from the latest back-up",
        )
    for child_id, ships_on, arrives_on in store.promises_off(ctx):
        yield Finding(
            "promise_in_order",
            id_text(CHILD_PREFIX, child_id),
            f"it was promised to leave on {ships_on} and to arrive on {arrives_on}",
            "promise both days anew, from the calendar of its warehouse",
        )
    for child_id, state, queued in store.queue_off(ctx):
        yield Finding(
            "supplier_queue_agrees",
            id_text(CHILD_PREFIX, child_id),
            f"the child order is {state} but {queued} in its supplier's queue",
            "set the queue row to what the child order's state asks for",
        )
    for child_id, queued_for, supplier_id in store.queue_astray(ctx):
        owner = "no child order of that partner and order is there"
        if supplier_id is not None:
            owner = f"the child order is {id_text(PARTY_PREFIX, supplier_id)}'s"
        yield Finding(
            "supplier_queue_in_place",
            id_text(CHILD_PREFIX, child_id),
            f"queued for {id_text(PARTY_PREFIX, queued_for)}, but {owner}",
            "set the queue row to what its child order says, or remove it where there is none",
        )
    for subject_id, is_child in store.without_deadline(ctx):
        yield Finding(
            "deadline_is_set",
            id_text(CHILD_PREFIX if is_child else ORDER_PREFIX, subject_id),
            "it waits for a deadline and has none, so nothing will ever end the wait",
            "set due_at: the step into this state, in the history, and the time that it allows",
        )


def verify_recipients(ctx: Ctx) -> Iterator[Finding]:
    """Open every recipient: one that was sealed for another order does not open."""
    found = 0
    after: UUID | None = None
    while True:
        rows, after = store.recipients_sealed(ctx, after=after)
        if after is None:
            return
        for bound_to, sealed in rows:
            try:
                ctx.keyring.open(sealed, bound_to=bound_to)
            except KeyRingError as error:
                _, order_id = rules.sealed_for(bound_to)
                yield Finding(
                    "recipient_opens",
                    id_text(ORDER_PREFIX, order_id),
                    f"its recipient can't be read: {error}",
                    "restore the key ring's file, or the order's recipient, from the back-up",
                )
                found += 1
                if found == store.FINDINGS_MAX:
                    return


def verify_sums(ctx: Ctx) -> Iterator[Finding]:
    """Find orders that are not the sum of their children, and what else doesn't add up in them."""
    children_off = store.children_off(ctx)
    roots_off = store.roots_off(ctx) if children_off or store.roots_apart(ctx) else ()
    for order_id, goods, freight, goods_sum, freight_sum in roots_off:
        yield Finding(
            "root_equals_children",
            id_text(ORDER_PREFIX, order_id),
            f"says {goods} + {freight} fen, its lines come to {goods_sum} + {freight_sum}",
            "correct the root to the sum of its lines",
        )
    for (child_id,) in children_off:
        yield Finding(
            "child_equals_lines",
            id_text(CHILD_PREFIX, child_id),
            "its amounts are not the sum of its lines",
            "correct the child to the sum of its lines",
        )
    for package_id, lost, carried, goods_sum, freight_sum in store.replacements_off(ctx):
        was = "is no lost package" if lost is None else f"was worth {lost} + {carried} fen"
        yield Finding(
            "sent_again_equals_lost",
            id_text(PACKAGE_PREFIX, package_id),
            f"{was}, what is sent for it is worth {goods_sum} + {freight_sum} fen",
            "correct the child orders that send it again to what was lost",
        )
    pieces_off = store.pieces_off(ctx) if store.pieces_apart(ctx) else ()
    for child_id, line_no, shipped, packed in pieces_off:
        yield Finding(
            "shipped_equals_packages",
            f"{id_text(CHILD_PREFIX, child_id)} line {line_no}",
            f"{shipped} pieces are counted as shipped, packages hold {packed}",
            "correct the line to the sum of its packages",
        )


def verify_states(ctx: Ctx) -> Iterator[Finding]:
    """Find orders whose state does not follow from what is in them, and steps that are no steps."""
    for root, children, count, example in store.states_of_roots(ctx):
        derived = rules.root_state(OrderState(state) for state in children)
        if derived != root:
            yield Finding(
                "root_state_derived",
                id_text(ORDER_PREFIX, example),
                f"{count} order(s) are {root} with children {sorted(set(children))}, "
                f"which makes {derived}",
                f"move the root to {derived} with a history row",
            )
    for is_root, here, there, count in store.steps_taken(ctx):
        table = ROOT_STATES if is_root else CHILD_STATES
        if not table.allows(OrderState(here), OrderState(there)):
            example = store.step_example(ctx, is_root=is_root, here=here, there=there)
            yield Finding(
                "history_is_legal",
                id_text(ORDER_PREFIX if is_root else CHILD_PREFIX, example),
                f"{count} step(s) from {here} to {there} are not in the state table",
                "find who wrote the step (the history's actor); correct the state by hand",
            )
    for state, packages, count, example in store.states_of_shipped(ctx):
        derived = rules.child_state([PackageState(package) for package in packages])
        if derived != state and (derived, state) != (OrderState.DELIVERED, OrderState.COMPLETED):
            yield Finding(
                "child_state_derived",
                id_text(CHILD_PREFIX, example),
                f"{count} child order(s) are {state} with packages {sorted(set(packages))}, "
                f"which makes {derived}",
                f"move the child order to {derived} with a history row",
            )
    for here, there, count in store.package_steps_taken(ctx):
        if not PACKAGE_STATES.allows(PackageState(here), PackageState(there)):
            example = store.package_step_example(ctx, here, there)
            yield Finding(
                "package_history_is_legal",
                id_text(PACKAGE_PREFIX, example),
                f"{count} step(s) from {here} to {there} are not in the state table",
                "find who wrote the step (the history's actor); correct the state by hand",
            )


def verify_histories(ctx: Ctx) -> Iterator[Finding]:
    """Find orders and packages that do not stand where their history ends."""
    for subject_id, what in store.packages_broken(ctx):
        yield Finding(
            "package_history_is_whole",
            id_text(PACKAGE_PREFIX, subject_id),
            what,
            "compare with the order's events; restore the missing rows from the back-up",
        )
    for subject_id, what in store.histories_broken(ctx):
        yield Finding(
            "history_is_whole",
            id_text(ORDER_PREFIX, subject_id),
            what,
            "compare with the order's events; restore the missing rows from the back-up",
        )
