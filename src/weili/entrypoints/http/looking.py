"""What lies at the far ends of a world's look-up lanes: a few processes that read.

A signed look-up writes its nonce, so on its own it would open a transaction, and make five journeys
to the database besides those it is made for. Those that arrive while others are under way share all
of that, and each journey carries the statements of all of them. Reading takes a processor for
itself: beside the event loop, in one interpreter, each would wait for the other.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from weili.entrypoints.http.look_readers import Reader, Steps, Work
from weili.kit.context import Actor, Ctx
from weili.kit.groupcommit import Anew, Lane, Lanes, never, work_lane
from weili.kit.memory import Memory
from weili.kit.problems import Problem
from weili.kit.world import World, in_transaction
from weili.modules import parties

GROUP_MAX: Final = 8
"""Look-ups in one transaction: the first waits for the last."""
WAITING_MAX: Final = 1_000
"""Look-ups under way in one lane."""
NOT_TAKEN: Final = b""
"""The answer to what is not as documented: nothing was done, not even its nonce was claimed."""


class LookUp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request: its path, who asks, its (key id, nonce) if it was signed, its query or body."""

    path: str
    actor: Actor
    signed: tuple[str, str] | None
    sent: bytes


LookLane = Lane[LookUp, bytes]
"""It answers with JSON, or with ``NOT_TAKEN``, or refuses."""

LookLanes = Lanes[LookUp, bytes]

Looking = Mapping[str, LookLanes]
"""The lanes of each world."""

_LOOK_UP: Final = msgspec.msgpack.Decoder(LookUp)


def look_lane(link: socket.socket, *, anew: Anew = never) -> LookLane:
    """Give the near end of one of a world's lanes, for the event loop."""
    encode = msgspec.msgpack.Encoder().encode
    return Lane(link, write=encode, read=_same, weight_max=WAITING_MAX, anew=anew)


def look_work(
    world: World,
    readers: Mapping[str, Reader],
    link: socket.socket,
    *,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Be the far end of a lane until the near end is closed; ``readers`` are named by path.

    Each request was authenticated before it came here; what it may see, the verbs decide. What is
    to be done ``between`` two groups is, while nothing is left of the one before.
    """
    memory = Memory()

    def work(look_ups: Sequence[LookUp]) -> list[bytes | Problem]:
        between()
        answers: list[bytes | Problem] = [NOT_TAKEN] * len(look_ups)
        works = {
            place: work
            for place, look_up in enumerate(look_ups)
            if (work := _read(readers, look_up)) is not None
        }
        if works:
            group = [(look_ups[place], work) for place, work in works.items()]
            done = in_transaction(world.begin, lambda ctx: together(ctx, memory, group))
            for place, answer in zip(works, done, strict=True):
                answers[place] = answer
        return answers

    work_lane(link, work, read=_LOOK_UP.decode, write=_same, weight_max=GROUP_MAX)


def _same(answer: bytes) -> bytes:
    return answer


def _read(readers: Mapping[str, Reader], look_up: LookUp) -> Work | None:
    try:
        return readers[look_up.path](look_up.actor, look_up.sent)
    except (ValueError, msgspec.MsgspecError, Problem):
        return None


def together(
    ctx: Ctx, memory: Memory, group: Sequence[tuple[LookUp, Work]]
) -> list[bytes | Problem]:
    """Claim all nonces, ask what may still be recalled, and take all look-ups on together.

    A journey for each step of all of them; each has its own answer or its own refusal. Nobody
    waits for the disc: nothing is written but nonces, and these lie in an unlogged table.
    """
    signed = [place for place, (look_up, _) in enumerate(group) if look_up.signed is not None]
    pairs = [look_up.signed for look_up, _ in group if look_up.signed is not None]
    answers: list[bytes | Problem] = [parties.NonceReplayed()] * len(group)
    with ctx.db.pipeline():
        claimed = parties.nonces_claim_asked(ctx, pairs=pairs)
        recall_asked = memory.recall_asked(ctx)
    recall = recall_asked()
    replayed = {place for place, free in zip(signed, claimed(), strict=True) if not free}
    under_way = {
        place: work(ctx.acting(look_up.actor), recall)
        for place, (look_up, work) in enumerate(group)
        if place not in replayed
    }
    while under_way:
        with ctx.db.pipeline():
            _step(under_way, answers)
    return answers


def _step(under_way: dict[int, Steps], answers: list[bytes | Problem]) -> None:
    """Take each look-up one step on; those that have ended leave their answers or refusals."""
    for place, steps in list(under_way.items()):
        try:
            next(steps)
        except StopIteration as end:
            answers[place] = end.value
            del under_way[place]
        except Problem as problem:
            answers[place] = problem
            del under_way[place]
