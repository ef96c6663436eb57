"""Look-ups that share a transaction answer as they would alone, whoever reads them."""

import asyncio
import gc
import json
import socket
import threading
from collections.abc import Callable, Mapping
from weakref import ReferenceType, ref

import pytest

from tests.entrypoints.http.conftest import Serving
from weili.entrypoints.http.look_readers import Reader, Steps, Work
from weili.entrypoints.http.looking import GROUP_MAX, NOT_TAKEN, LookUp, look_lane, look_work
from weili.kit.context import SYSTEM, Actor, Ctx
from weili.kit.groupcommit import LaneFailedError, Lanes
from weili.kit.ids import id_text
from weili.kit.memory import Recall
from weili.kit.problems import NotFound, Said
from weili.kit.world import World
from weili.modules import parties


def _answering(_: Actor, sent: bytes) -> Work:
    number = int(sent)

    def work(ctx: Ctx, _: Recall) -> Steps:
        asked = ctx.db.ask("SELECT %b::bigint * 2", number)
        yield
        [[doubled]] = asked()
        again = ctx.db.ask("SELECT %b::bigint + 1", doubled)
        yield
        [[answer]] = again()
        return str(answer).encode()

    return work


def _refusing(_: Actor, __: bytes) -> Work:
    def work(_: Ctx, __: Recall) -> Steps:
        yield
        raise NotFound(what=Said("thing", "物"), id="x")

    return work


def _breaking(_: Actor, __: bytes) -> Work:
    def work(ctx: Ctx, _: Recall) -> Steps:
        ctx.db.ask("SELECT 1 / 0")
        yield
        return b""

    return work


READERS = {"answer": _answering, "refuse": _refusing, "break": _breaking}


def _looked(
    world: World,
    *look_ups: LookUp,
    readers: Mapping[str, Reader] = READERS,
    between: Callable[[], None] = lambda: None,
) -> list[bytes | BaseException]:
    """Ask all at once, and wait for all."""
    near, far = socket.socketpair()
    worker = threading.Thread(
        target=look_work, args=(world, readers, far), kwargs={"between": between}
    )

    async def asked() -> list[bytes | BaseException]:
        lanes = Lanes([look_lane(near)])
        await lanes.open()
        together = asyncio.gather(*map(lanes.ask, look_ups), return_exceptions=True)
        await asyncio.sleep(0)
        worker.start()
        answers = await together
        lanes.close()
        return answers

    with near, far:
        answers = asyncio.run(asked())
        worker.join()
    return answers


def _ask(path: str, sent: bytes = b"", nonce: str | None = None) -> LookUp:
    return LookUp(path, SYSTEM, None if nonce is None else ("key", nonce), sent)


def test_each_look_up_of_a_group_has_its_own_answer_or_refusal(world: World) -> None:
    group = [
        _ask("answer", b"1", "n-1"),
        _ask("refuse", b"", "n-2"),
        _ask("answer", b"3"),
        _ask("answer", b"4", "n-1"),
    ]
    first, refused, third, replayed = _looked(world, *group)
    assert (first, third) == (b"3", b"7")
    assert isinstance(refused, NotFound)
    assert isinstance(replayed, parties.NonceReplayed)

    # What was refused stays refused: its nonce is kept.
    again = _looked(world, *group[:2])
    assert all(isinstance(answer, parties.NonceReplayed) for answer in again)


def test_between_two_groups_nothing_is_left_of_the_one_before(world: World) -> None:
    # Given refusals, which hold what they came through in circles
    refused: list[ReferenceType[NotFound]] = []
    alive: list[int] = []

    def refusing(_: Actor, __: bytes) -> Work:
        def work(_: Ctx, __: Recall) -> Steps:
            yield
            refusal = NotFound(what=Said("thing", "物"), id="x")
            refused.append(ref(refusal))
            raise refusal

        return work

    def between() -> None:
        gc.collect()
        alive.append(sum(each() is not None for each in refused))

    # When there are more than go in one group
    answers = _looked(
        world,
        *[_ask("refuse", b"%d" % n) for n in range(GROUP_MAX + 1)],
        readers={"refuse": refusing},
        between=between,
    )

    # Then each was refused, and where the second group begins none of the first is left
    assert [type(answer) for answer in answers] == [NotFound] * (GROUP_MAX + 1)
    assert alive == [0, 0]
    assert len(refused) == GROUP_MAX + 1


def test_what_is_not_as_documented_is_left_alone_with_its_nonce(world: World) -> None:
    left, taken = _looked(world, _ask("answer", b"x", "n-1"), _ask("answer", b"1", "n-1"))
    assert (left, taken) == (NOT_TAKEN, b"3")


def test_nobody_who_looks_up_waits_for_the_disc(world: World) -> None:
    # PostgreSQL waits for the log of no commit that has written to unlogged tables alone
    [answer] = _looked(world, _ask("answer", b"1", "n-1"))
    assert answer == b"3"
    with world.begin() as ctx:
        [[kind]] = ctx.db.rows(
            "SELECT relpersistence::text FROM pg_class"
            " WHERE oid = 'parties.request_nonce'::regclass"
        )
    assert kind == "u"


def test_a_look_up_that_fails_takes_no_neighbour_down(world: World) -> None:
    first, failed, third = _looked(
        world,
        _ask("answer", b"1", "n-1"),
        _ask("break", b"", "n-2"),
        _ask("answer", b"3", "n-3"),
    )
    assert (first, third) == (b"3", b"7")
    assert isinstance(failed, LaneFailedError)


@pytest.fixture
def asks(serving: Serving) -> list[dict[str, object]]:
    market = serving.market
    return [
        {"sku_id": id_text("sku", sku_id), "quantity": quantity}
        for sku_id in (market.tea, market.cup)
        for quantity in (1, 10)
    ]


@pytest.mark.parametrize("path", ["/v1/prices:batchGet", "/v1/stock:batchGet"])
def test_both_readers_of_a_body_answer_the_same(
    serving: Serving, asks: list[dict[str, object]], path: str
) -> None:
    if "stock" in path:
        asks = [{**ask, "area_code": "330106"} for ask in asks]
    body = json.dumps({"items": asks}).encode()
    quick = serving.ask("street", "POST", path, body)
    other = {"content-type": "application/json; charset=utf-8"}
    whole = serving.ask("street", "POST", path, body, headers=other)
    assert (quick.status_code, quick.content) == (200, whole.content)
    assert len(quick.json()["items"]) == len(asks)


def test_both_readers_of_a_search_answer_the_same(serving: Serving) -> None:
    quick = serving.ask("street", "GET", "/v1/search/skus?q=%E9%BE%99%E4%BA%95&limit=5&sort=price")
    whole = serving.ask(
        "street", "GET", "/v1/search/skus?q=%E9%BE%99%E4%BA%95&limit=%2B5&sort=price"
    )
    assert (quick.status_code, quick.content) == (200, whole.content)
    assert quick.json()["count"] == 1


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "sort=cheap", "price_min=-1", "nothing=1", "brand_id=x"]
)
def test_a_search_that_is_not_as_documented_is_refused_by_name(
    serving: Serving, query: str
) -> None:
    refused = serving.ask("street", "GET", f"/v1/search/skus?{query}")
    assert (refused.status_code, refused.json()["code"]) == (400, "input_invalid")
    assert len(refused.headers.get_list("weili-request-id")) == 1
