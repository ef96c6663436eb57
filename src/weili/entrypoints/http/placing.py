"""What lies at the far end of a world's lane: the orders of many requests in one transaction."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from weili.kit.context import Ctx
from weili.kit.groupcommit import Anew, Lane, Lanes, never, work_lane
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

PlaceLanes = Lanes[PlaceRequest, list[dropship.Outcome]]
"""Lanes to equals: locks on stock and balances put in order what they do at once."""

Placing = Mapping[str, PlaceLanes]
"""The lanes of each world."""

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
    claimed = parties.nonces_claim_asked(ctx, pairs=pairs) if pairs else list[bool]
    commands = [command for request in requests for command in request.orders]

    def replayed() -> dict[int, Problem]:
        free = iter(claimed())
        is_free = [request.signed is None or next(free) for request in requests]
        owners = [place for place, request in enumerate(requests) for _ in request.orders]
        return {
            index: parties.NonceReplayed()
            for index, place in enumerate(owners)
            if not is_free[place]
        }

    outcomes = iter(place_dropship_orders(ctx, commands=commands, refused=replayed))
    return [_whole([next(outcomes) for _ in request.orders]) for request in requests]


def _whole(outcomes: list[dropship.Outcome]) -> list[dropship.Outcome] | Problem:
    """Refuse a request that was sent before as a whole."""
    first = outcomes[0]
    return first if isinstance(first, parties.NonceReplayed) else outcomes


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
