"""What lies at the far end of a world's lane: the orders of many requests in one transaction."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from weili.kit.context import Ctx
from weili.kit.groupcommit import Anew, Lane, never, work_lane
from weili.kit.packing import PackedProblem
from weili.kit.problems import Problem
from weili.kit.world import World, in_transaction
from weili.modules import dropship, parties
from weili.workflows.place_dropship_orders import place_dropship_orders


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """One request: the orders it carries, and the (key id, nonce) it was signed with, if it was."""

    orders: tuple[dropship.PlaceOrder, ...]
    signed: tuple[str, str] | None = None


PlaceLane = Lane[PlaceRequest, list[dropship.Outcome]]
"""Answers with an outcome for each order of the request, or refuses the request as a whole."""

Placing = Mapping[str, PlaceLane]
"""The lane of each world."""

_REQUEST = msgspec.msgpack.Decoder(PlaceRequest)
_OUTCOMES = msgspec.msgpack.Decoder(list[dropship.Placed | PackedProblem])


def place_lane(link: socket.socket, *, anew: Anew = never) -> PlaceLane:
    """Give the near end of a world's lane, for the event loop."""
    return Lane(link, write=msgspec.msgpack.encode, read=_outcomes_read, weigh=_weight, anew=anew)


def place_work(world: World, link: socket.socket) -> None:
    """Be the far end of a world's lane until the near end is closed.

    One transaction claims the nonces of all signed requests, then places the orders of those that
    were not replayed. A replayed request is answered by itself and places nothing. Each request
    was authenticated and admitted before it came here, so the transaction is the system's own.
    """

    def work(requests: Sequence[PlaceRequest]) -> list[list[dropship.Outcome] | Problem]:
        return in_transaction(world.begin, lambda ctx: _place(ctx, requests))

    work_lane(link, work, read=_REQUEST.decode, write=_outcomes_write)


def _place(ctx: Ctx, requests: Sequence[PlaceRequest]) -> list[list[dropship.Outcome] | Problem]:
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


def _weight(request: PlaceRequest) -> int:
    return max(len(request.orders), 1)


def _outcomes_write(outcomes: Sequence[dropship.Outcome]) -> bytes:
    return msgspec.msgpack.encode(
        [PackedProblem.of(item) if isinstance(item, Problem) else item for item in outcomes]
    )


def _outcomes_read(data: bytes) -> list[dropship.Outcome]:
    return [
        item.problem() if isinstance(item, PackedProblem) else item
        for item in _OUTCOMES.decode(data)
    ]
