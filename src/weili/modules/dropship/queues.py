"""The suppliers' queues: what each is to be asked next, and how it answers of late."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.pages import Page, cursor_id, limit_bounded, page_of
from weili.modules.dropship.model import (
    CLAIM_LASTS,
    DUE_COUNT_MAX,
    Child,
    ChildId,
    ClaimId,
    Order,
    Queued,
    QueueState,
    QueueStatus,
    SupplierConnection,
    Turn,
)
from weili.modules.dropship.states import OrderState
from weili.modules.dropship.store import orders as store
from weili.modules.dropship.store import queue as queue_store

TURNS_AT_ONCE: Final = 4
"""How many callers ask one supplier side by side; one, as soon as it gives no answer."""
TURN_ITEMS_MAX: Final = 16
RETRY_S_MAX: Final = 3_600
FAILURES_MAX: Final = 5
"""After so many askings in vain, one after another, a supplier is paused."""
PAUSE_S_MIN: Final = 5
PAUSE_S_MAX: Final = 300
WAKE_MAX: Final = 1_000


def queue_feed(ctx: Ctx, *, orders: Sequence[Order]) -> None:
    """Put the confirmed children of orders into their suppliers' queues; once, however often."""
    items = [
        (child.supplier_id, child.id, order.partner_id, order.id)
        for order in orders
        for child in order.children
        if child.state is OrderState.CONFIRMED
    ]
    if items:
        queue_store.queue_insert(ctx, items)


def queue_claim(ctx: Ctx, *, turns_max: int, suspects_max: int) -> list[Turn]:
    """Claim what is due to be sent to suppliers or asked of them: for each of them one turn.

    While the claim lasts nobody else asks the same; if who claimed it dies, somebody else does
    after that. A supplier gets the next turn when the others had theirs, has a bounded number of
    turns at once, and is left alone while it is paused. At most ``suspects_max`` of the turns go
    to suppliers whose last answer was none, so that they can't use up the callers of the others.
    """
    turns = _claimed(ctx, limit=min(suspects_max, turns_max), is_suspect=True)
    return turns + _claimed(ctx, limit=turns_max - len(turns), is_suspect=False)


def _claimed(ctx: Ctx, *, limit: int, is_suspect: bool) -> list[Turn]:
    if limit <= 0:
        return []
    suppliers = queue_store.suppliers_claim(
        ctx,
        is_suspect=is_suspect,
        turns_at_once=1 if is_suspect else TURNS_AT_ONCE,
        limit=limit,
    )
    claims = {supplier_id: ClaimId(new_id(ctx.now)) for supplier_id in suppliers}
    if not claims:
        return []
    items: dict[PartyId, list[Queued]] = {}
    for item in queue_store.queue_claim(
        ctx,
        claims=claims,
        until=ctx.now + CLAIM_LASTS,
        size=1 if is_suspect else TURN_ITEMS_MAX,
        least_tried=is_suspect,
    ):
        items.setdefault(item.supplier_id, []).append(item)
    return [
        Turn(claims[supplier_id], supplier_id, is_suspect, asked)
        for supplier_id, asked in items.items()
    ]


def claim_end(ctx: Ctx, *, turn: Turn, item: Queued, wait_s_max: int = RETRY_S_MAX) -> None:
    """Let go of a child order that its supplier was asked about.

    If what was asked still stands, it is due again when it has waited, the longer the more often
    it was tried; what has become another question meanwhile is due as it is.
    """
    wait_s = min(retry_after_s(item.attempts - 1), wait_s_max)
    queue_store.claim_end(
        ctx, claim_id=turn.claim_id, item=item, next_at=ctx.now + timedelta(seconds=wait_s)
    )


def claim_undo(ctx: Ctx, *, turn: Turn, items: Sequence[Queued]) -> None:
    """Let go of child orders that the turn did not come to: they are due as before."""
    queue_store.claim_undo(
        ctx,
        claim_id=turn.claim_id,
        supplier_id=turn.supplier_id,
        child_ids=[item.child_id for item in items],
    )


def supplier_failed(ctx: Ctx, *, supplier_id: PartyId, failure: str) -> int:
    """Note that a supplier's system gave no answer; says how long it is left alone now, in s.

    After some of them in a row it is paused, and then asked one thing; each time that is in vain
    too, the pause doubles.
    """
    failures = queue_store.health_failed(ctx, supplier_id=supplier_id, failure=failure)
    if failures < FAILURES_MAX:
        return 0
    pause_s = min(PAUSE_S_MIN << min(failures - FAILURES_MAX, 10), PAUSE_S_MAX)
    until = ctx.now + timedelta(seconds=pause_s)
    queue_store.health_pause(ctx, supplier_id=supplier_id, until=until)
    return pause_s


def supplier_answered(ctx: Ctx, *, supplier_id: PartyId) -> bool:
    """Note that a supplier's system answered; says whether that ended a pause.

    What was tried in vain before is then due at once: it was not the child orders' fault.
    """
    if not queue_store.health_restore(ctx, supplier_id=supplier_id):
        return False
    queue_store.queue_wake(ctx, supplier_id=supplier_id, limit=WAKE_MAX)
    return True


def suppliers_silent_count(ctx: Ctx) -> int:
    """Say how many suppliers' systems have been paused and not answered since."""
    return queue_store.suppliers_silent_count(ctx)


def queue_status(ctx: Ctx, *, supplier_id: PartyId) -> QueueStatus:
    """Say how a supplier's system is asked."""
    status = queue_store.queue_status(ctx, supplier_id=supplier_id, count_max=DUE_COUNT_MAX)
    return status or QueueStatus(failures=0, failure="", paused_until=None, due_count=0)


def queue_locked(ctx: Ctx, *, child_ids: Sequence[ChildId]) -> dict[ChildId, Queued]:
    """Lock child orders in their suppliers' queues and give where they stand.

    Until the transaction ends nobody begins to send one of them: only so can it be said that a
    supplier has not seen it.
    """
    return queue_store.queue_lock(ctx, child_ids)


def queue_set(
    ctx: Ctx, *, child_ids: Sequence[ChildId], state: QueueState, ask_now: bool = False
) -> None:
    """Move child orders on in the queues; with ``ask_now`` they are due at once."""
    queue_store.queue_set(
        ctx, child_ids=child_ids, state=state, due_at=ctx.now if ask_now else None
    )


def queue_page(
    ctx: Ctx,
    *,
    supplier_id: PartyId,
    states: Sequence[QueueState],
    cursor: str | None,
    limit: int,
) -> Page[tuple[Order, Child]]:
    """Give a supplier's child orders, oldest first, with the roots they belong to.

    Raises: CursorInvalid.
    """
    limit = limit_bounded(limit)
    items = queue_store.queue_page(
        ctx,
        supplier_id=supplier_id,
        states=states,
        after=cursor_id(cursor),
        limit=limit + 1,
    )
    page = page_of(items, limit=limit, key=lambda item: item.child_id.hex)
    ids = list(dict.fromkeys(item.order_id for item in page.items))
    by_child = {
        child.id: (order, child)
        for order in store.orders_load(ctx, ids)
        for child in order.children
    }
    return page.map(lambda item: by_child[item.child_id])


def retry_after_s(attempts: int) -> int:
    """Say how long to wait after the n-th attempt: doubling from 5 s, at most an hour."""
    return min(5 << min(attempts, 10), RETRY_S_MAX)


def connection_put(ctx: Ctx, *, supplier_id: PartyId, base_url: str, secret: str) -> None:
    """Say where a supplier's own system takes orders; the secret is kept sealed."""
    ctx.require("admin:parties")
    sealed = ctx.keyring.seal(secret.encode(), bound_to=supplier_id.bytes)
    queue_store.connection_put(
        ctx, supplier_id=supplier_id, base_url=base_url, secret_sealed=sealed
    )
    # Whatever was wrong with the old address says nothing of the new one.
    supplier_answered(ctx, supplier_id=supplier_id)


def connections(ctx: Ctx, *, supplier_ids: Sequence[PartyId]) -> dict[PartyId, SupplierConnection]:
    """Give the connections of those suppliers that have one."""
    return {
        supplier_id: SupplierConnection(
            supplier_id,
            base_url,
            ctx.keyring.open(sealed, bound_to=supplier_id.bytes).decode(),
        )
        for supplier_id, base_url, sealed in queue_store.connections_read(ctx, supplier_ids)
    }
