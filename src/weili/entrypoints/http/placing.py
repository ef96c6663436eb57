"""What the group commit of a world does: place the orders of many requests in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weili.kit.context import Ctx
from weili.kit.world import World, in_transaction
from weili.modules import dropship, parties
from weili.workflows.place_dropship_orders import place_dropship_orders


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """One request: the orders it carries, and the (key id, nonce) it was signed with, if it was."""

    orders: tuple[dropship.PlaceOrder, ...]
    signed: tuple[str, str] | None = None


PlaceAnswer = Sequence[dropship.Outcome] | parties.NonceReplayed
"""An outcome for each order of the request, or the refusal of the request as a whole."""


def place_weight(request: PlaceRequest) -> int:
    """Say how many orders' worth of work a request is."""
    return max(len(request.orders), 1)


def place_batch(world: World) -> Callable[[Sequence[PlaceRequest]], list[PlaceAnswer]]:
    """Give the work function of a world's group commit.

    One transaction claims the nonces of all signed requests, then places the orders of those that
    were not replayed. A replayed request is answered by itself and places nothing. Each request
    was authenticated and admitted before it came here, so the transaction is the system's own.
    """

    def work(requests: Sequence[PlaceRequest]) -> list[PlaceAnswer]:
        return in_transaction(world.begin, lambda ctx: _place(ctx, requests))

    return work


def _place(ctx: Ctx, requests: Sequence[PlaceRequest]) -> list[PlaceAnswer]:
    pairs = [request.signed for request in requests if request.signed is not None]
    free = iter(parties.nonces_claim(ctx, pairs=pairs) if pairs else ())
    is_taken = [request.signed is None or next(free) for request in requests]
    commands = [
        command
        for request, takes in zip(requests, is_taken, strict=True)
        if takes
        for command in request.orders
    ]
    outcomes = iter(place_dropship_orders(ctx, commands=commands) if commands else ())
    return [
        [next(outcomes) for _ in request.orders] if takes else parties.NonceReplayed()
        for request, takes in zip(requests, is_taken, strict=True)
    ]
