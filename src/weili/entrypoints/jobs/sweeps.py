"""What time does by itself: deadlines are rows that are looked for, never timers."""

from collections.abc import Callable
from typing import Final

from weili.kit import idempotency, memory, partitions
from weili.kit.clock import wall_now
from weili.kit.context import Begin, Ctx
from weili.kit.world import in_transaction
from weili.modules import catalogue, identity, inventory, notices, onboarding, parties, pricing
from weili.workflows.expire_orders import complete_orders, expire_holds
from weili.workflows.follow_parcels import parcels_followed
from weili.workflows.intercept_order import intercepts_expire
from weili.workflows.release_waiting import release_waiting
from weili.workflows.return_package import returns_expire

ROUNDS_MAX: Final = 20
"""Transactions one sweep may take in a round, so that no sweep keeps the others waiting."""


def sessions_forget(ctx: Ctx) -> int:
    """Forget sessions that have ended; they last by the wall clock, in a sandbox too."""
    return identity.sweep(ctx, now=wall_now())


def resets_sweep(ctx: Ctx) -> int:
    """Answer those who forgot their password; their links last by the wall clock as well."""
    return identity.resets_answer(ctx, now=wall_now())


SWEEPS: Final[tuple[Callable[[Ctx], int], ...]] = (
    expire_holds,
    complete_orders,
    parcels_followed,
    inventory.shares_expire,
    inventory.arrivals_late_tell,
    pricing.changes_sweep,
    pricing.costs_sweep,
    pricing.compare_at_sweep,
    release_waiting,
    intercepts_expire,
    returns_expire,
    catalogue.sales_forget,
    idempotency.sweep,
    memory.sweep,
    onboarding.documents_sweep,
    parties.nonces_sweep,
    resets_sweep,
    sessions_forget,
    notices.sweep,
    partitions.partitions_ahead,
)


def sweep_round(begin: Begin) -> bool:
    """Let each sweep do what is due, in transactions of a bounded size; says if some is left."""
    is_left = False
    for sweep in SWEEPS:
        for _ in range(ROUNDS_MAX):
            if not in_transaction(begin, sweep):
                break
        else:
            is_left = True
    return is_left
