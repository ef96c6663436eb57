"""The same request twice is one effect and the same answer."""

import threading

import pytest

from weili.kit import idempotency
from weili.kit.context import Ctx
from weili.kit.problems import InFlight, KeyMissing, KeyReused
from weili.kit.world import World, clock_turn, in_transaction

BODY = idempotency.request_hash("POST", "/v1/things", b'{"n":1}')
OTHER = idempotency.request_hash("POST", "/v1/things", b'{"n":2}')


def _do(ctx: Ctx, key: str | None, body_hash: bytes = BODY) -> str:
    replay = idempotency.claim(ctx, key=key, body_hash=body_hash)
    if replay is not None:
        return f"replay {replay.status} {replay.answer['id']}"
    idempotency.store(ctx, key=str(key), status=201, answer_json='{"id": 7}')
    return "done"


def test_a_key_replays_the_first_answer_and_stands_for_one_request(world: World) -> None:
    assert in_transaction(world.begin, lambda ctx: _do(ctx, "k")) == "done"
    assert in_transaction(world.begin, lambda ctx: _do(ctx, "k")) == "replay 201 7"
    with pytest.raises(KeyReused):
        in_transaction(world.begin, lambda ctx: _do(ctx, "k", OTHER))
    assert in_transaction(world.begin, lambda ctx: _do(ctx, "l", OTHER)) == "done"


@pytest.mark.parametrize("key", [None, "", "x" * 256])
def test_a_change_needs_a_key(ctx: Ctx, key: str | None) -> None:
    with pytest.raises(KeyMissing):
        _do(ctx, key)


def test_a_request_that_failed_leaves_its_key_free(world: World) -> None:
    def fail(ctx: Ctx) -> float:
        _do(ctx, "k")
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        in_transaction(world.begin, fail)
    assert in_transaction(world.begin, lambda ctx: _do(ctx, "k")) == "done"


def test_a_request_that_was_refused_with_what_it_wrote_leaves_its_key_free(world: World) -> None:
    def refused(ctx: Ctx) -> None:
        _do(ctx, "k")
        idempotency.release(ctx, key="k")

    in_transaction(world.begin, refused)
    assert in_transaction(world.begin, lambda ctx: _do(ctx, "k", OTHER)) == "done"


def test_the_second_of_two_at_once_waits_for_the_first(world: World) -> None:
    answers: list[str] = []
    with world.begin() as ctx:
        _do(ctx, "k")
        second = threading.Thread(
            target=lambda: answers.append(in_transaction(world.begin, lambda c: _do(c, "k")))
        )
        second.start()
        second.join(timeout=0.3)
        assert answers == []
    second.join()
    assert answers == ["replay 201 7"]


def test_one_that_waits_too_long_is_told_so(world: World) -> None:
    with world.begin() as ctx, world.begin() as impatient:
        _do(ctx, "k")
        impatient.db.run("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(InFlight):
            _do(impatient, "k")
        impatient.db.sa.rollback()


def test_keys_are_forgotten_after_three_days_and_not_before(world: World) -> None:
    in_transaction(world.begin, lambda ctx: _do(ctx, "k"))
    assert in_transaction(world.begin, idempotency.sweep) == 0
    seconds = int(idempotency.KEPT.total_seconds())
    in_transaction(world.begin, lambda ctx: clock_turn(ctx, ahead_s=seconds + 1))
    assert in_transaction(world.begin, idempotency.sweep) == 1
    with world.begin() as ctx:
        assert _do(ctx, "k") == "done"
