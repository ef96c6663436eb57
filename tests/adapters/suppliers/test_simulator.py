"""The supplier simulator, asked by the real gateway over real connections."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import httpx2
import pytest

from weili.adapters.suppliers import AnswerKind, HttpSupplierGateway, SupplierEndpoint
from weili.adapters.suppliers.dice import Dice
from weili.adapters.suppliers.hosting import SimulatorHost
from weili.adapters.suppliers.http1 import (
    ConnectionCut,
    HttpClient,
    answer_bytes,
    message_bytes,
    message_read,
)
from weili.adapters.suppliers.platform_api import Credentials
from weili.adapters.suppliers.simulator import Stage, SupplierAccount, SupplierSimulator
from weili.adapters.suppliers.unkindness import KIND, Unkindness

SECRET = "a supplier's secret"
NEVER_PACKS = replace(KIND, packing_ms_max=1, slow_packing=1_000, slow_packing_ms=3_600_000)
LINE = {"line_no": 1, "quantity": 2, "unit_cost_minor": 350}
NOBODY = SupplierAccount("127.0.0.1", 9, Credentials("key_none", "none"))


def order(number: int) -> dict[str, object]:
    return {"id": f"chd_{number:026}", "lines": [LINE]}


@contextmanager
def running(unkindness: Unkindness, *, seed: int = 1) -> Iterator[SupplierSimulator]:
    simulator = SupplierSimulator(
        name="谷仓", secret=SECRET, account=NOBODY, seed=seed, unkindness=unkindness
    )
    with SimulatorHost([simulator]):
        yield simulator


@pytest.fixture
def gateway() -> Iterator[HttpSupplierGateway]:
    gateway = HttpSupplierGateway()
    yield gateway
    gateway.close()


def endpoint(simulator: SupplierSimulator, secret: str = SECRET) -> SupplierEndpoint:
    return SupplierEndpoint(simulator.base_url, secret)


def test_an_order_that_comes_twice_is_taken_once(gateway: HttpSupplierGateway) -> None:
    with running(NEVER_PACKS) as simulator:
        first = gateway.submit(endpoint(simulator), order=order(1))
        second = gateway.submit(endpoint(simulator), order=order(1))

    assert (first.kind, second.kind) == (AnswerKind.YES, AnswerKind.YES)
    assert simulator.counts == {"taken": 1, "seen_again": 1}


def test_a_wrong_signature_is_not_believed(gateway: HttpSupplierGateway) -> None:
    with running(NEVER_PACKS) as simulator:
        answer = gateway.submit(endpoint(simulator, "somebody else's"), order=order(1))

    assert answer.kind is AnswerKind.UNKNOWN
    assert simulator.stages == {}


def test_a_request_without_a_signature_is_refused() -> None:
    with running(NEVER_PACKS) as simulator, httpx2.Client() as client:
        assert client.post(f"{simulator.base_url}/orders", json=order(1)).status_code == 401


def test_a_refusal_stays_a_refusal(gateway: HttpSupplierGateway) -> None:
    with running(replace(NEVER_PACKS, refusal=1_000)) as simulator:
        answers = [gateway.submit(endpoint(simulator), order=order(1)) for _ in range(2)]

    assert [answer.kind for answer in answers] == [AnswerKind.NO, AnswerKind.NO]
    assert answers[0].reason == "the goods on the shelf are damaged"


def test_an_order_is_cancelled_before_it_is_packed(gateway: HttpSupplierGateway) -> None:
    with running(NEVER_PACKS) as simulator:
        gateway.submit(endpoint(simulator), order=order(1))
        child_id = str(order(1)["id"])
        answers = [gateway.cancel(endpoint(simulator), child_id=child_id) for _ in range(2)]

        assert [answer.kind for answer in answers] == [AnswerKind.YES, AnswerKind.YES]
        assert simulator.stages == {child_id: Stage.CANCELLED}
        assert simulator.is_quiet is False  # It still has to find out that it need not pack.


def test_a_cancellation_may_be_answered_later_and_then_stays_answered(
    gateway: HttpSupplierGateway,
) -> None:
    # Given a supplier who asks its warehouse before it cancels
    ways = replace(NEVER_PACKS, cancel_later=1_000, cancel_later_ms_max=1)
    with running(ways) as simulator:
        gateway.submit(endpoint(simulator), order=order(1))
        child_id = str(order(1)["id"])
        # When it is asked until the warehouse has answered
        kinds = [gateway.cancel(endpoint(simulator), child_id=child_id).kind]
        while kinds[-1] is AnswerKind.LATER:
            kinds.append(gateway.cancel(endpoint(simulator), child_id=child_id).kind)
        # Then the first answer was neither yes nor no, and the last one is what it says from now on
        assert (kinds[0], kinds[-1]) == (AnswerKind.LATER, AnswerKind.YES)
        assert simulator.stages == {child_id: Stage.CANCELLED}
        counts = simulator.counts
        assert (counts["cancels_answered_later"], counts["cancelled"]) == (1, 1)


def test_an_order_whose_cancellation_came_first_is_not_packed(
    gateway: HttpSupplierGateway,
) -> None:
    with running(NEVER_PACKS) as simulator:
        cancelled = gateway.cancel(endpoint(simulator), child_id=str(order(1)["id"]))
        submitted = gateway.submit(endpoint(simulator), order=order(1))

    assert (cancelled.kind, submitted.kind) == (AnswerKind.YES, AnswerKind.NO)


def test_whatever_goes_wrong_the_order_is_taken_once_in_the_end(
    gateway: HttpSupplierGateway,
) -> None:
    """Given a supplier who answers every second request late, wrongly or not at all."""
    with running(replace(NEVER_PACKS, trouble=500, late_ms_max=1)) as simulator:
        for number in range(60):
            while gateway.submit(endpoint(simulator), order=order(number)).kind is not (
                AnswerKind.YES
            ):
                pass

    assert simulator.counts["taken"] == 60
    troubles = {"trouble_late", "trouble_error", "trouble_cut_before", "trouble_cut_after"}
    assert troubles <= set(simulator.counts)
    # An answer that was lost after the order was written down makes it be seen again.
    assert simulator.counts["seen_again"] == simulator.counts["trouble_cut_after"]


def test_the_same_seed_gives_the_same_fate() -> None:
    one, same, other = (Dice(seed, "order") for seed in (7, 7, 8))
    throws = [[dice.below(1_000) for _ in range(50)] for dice in (one, same, other)]

    assert throws[0] == throws[1] != throws[2]
    assert sorted(Dice(7).shuffled(range(9))) == list(range(9))
    assert {Dice(7, n).between(3, 5) for n in range(60)} == {3, 4, 5}


def test_a_client_that_hangs_up_is_heard_all_the_same() -> None:
    """A request that was sent whole arrives, though nobody waits for its answer."""
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (message := await message_read(reader)) is not None:
            heard.append(message.body.decode())
            writer.write(answer_bytes(200, message.body))
        writer.close()

    async def story() -> bytes:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            client = HttpClient("127.0.0.1", server.sockets[0].getsockname()[1], connections=1)
            with pytest.raises(ConnectionCut):
                await client.ask("POST", "/", headers=dict, body=b"one", leaves_early=True)
            answer = await client.ask("POST", "/", headers=dict, body=b"two")
            await client.close()
            return answer.body

    assert asyncio.run(story()) == b"two"
    assert sorted(heard) == ["one", "two"]


def test_headers_are_made_when_a_request_goes_out_and_not_while_it_waits() -> None:
    """A signature says when it was made, and is refused when it waited for minutes."""
    told: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (message := await message_read(reader)) is not None:
            told.append(f"answered {message.body.decode()}")
            writer.write(answer_bytes(200, message.body))
        writer.close()

    def signing(name: str) -> Callable[[], Mapping[str, str]]:
        def headers() -> Mapping[str, str]:
            told.append(f"signed {name}")
            return {}

        return headers

    async def story() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            client = HttpClient("127.0.0.1", server.sockets[0].getsockname()[1], connections=1)
            asked = (
                client.ask("POST", "/", headers=signing(name), body=name.encode())
                for name in ("one", "two")
            )
            await asyncio.gather(*asked)
            await client.close()

    asyncio.run(story())

    assert told == ["signed one", "answered one", "signed two", "answered two"]


def test_a_message_that_breaks_off_is_no_message() -> None:
    async def read(wire: bytes) -> object:
        reader = asyncio.StreamReader()
        reader.feed_data(wire)
        reader.feed_eof()
        return await message_read(reader)

    whole = message_bytes("POST / HTTP/1.1", {"a": "b"}, b"body")
    for cut in (10, len(whole) - 1):
        with pytest.raises(ConnectionCut):
            asyncio.run(read(whole[:cut]))
    assert asyncio.run(read(b"")) is None
