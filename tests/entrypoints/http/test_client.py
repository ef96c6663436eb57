"""The client repeats what was cut off, without anything being done twice."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from weili_client import AsyncClient, Client, Refused, Unreachable

from tests.entrypoints.http.conftest import RECIPIENT, Serving
from tests.market import XIHU
from weili.kit.ids import id_text

ORDERS = 'dropship."order"'


@contextmanager
def cutting(url: str, *, cuts: int) -> Iterator[str]:
    """Stand between client and server: the first answers are thrown away and the line is cut."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    listener = socket.create_server(("127.0.0.1", 0))
    left = cuts

    def forward(client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while asked := client.recv(65_536):
                server.sendall(asked)
            server.shutdown(socket.SHUT_WR)

    def serve() -> None:
        nonlocal left
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, socket.create_connection((host, port)) as server:
                pump = threading.Thread(target=forward, args=(client, server), daemon=True)
                pump.start()
                while answer := server.recv(65_536):
                    if left:
                        left -= 1
                        break
                    client.sendall(answer)
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
                pump.join(5)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def test_an_order_whose_answers_were_lost_is_placed_once(serving: Serving) -> None:
    rows = serving.rows()
    line = {"sku_id": id_text("sku", serving.market.tea), "quantity": 1}
    with cutting(serving.url, cuts=2) as url, Client(url, serving.keys["street"]) as street:
        order = street.order_place(
            number="CUT-1", area_code=XIHU, recipient=RECIPIENT, lines=[line], hold=True
        )
    assert serving.rows()[ORDERS] - rows[ORDERS] == 1
    with cutting(serving.url, cuts=1) as url, Client(url, serving.keys["street"]) as street:
        assert street.order_cancel(order["id"])["state"] == "cancelled"


def test_a_client_that_never_hears_anything_says_so(serving: Serving) -> None:
    with (
        cutting(serving.url, cuts=9) as url,
        Client(url, serving.keys["street"], tries_max=2) as street,
        pytest.raises(Unreachable, match="GET /v1/account"),
    ):
        street.account()


def test_a_refusal_is_not_repeated_and_says_what_is_wrong(serving: Serving) -> None:
    with serving.client() as street, pytest.raises(Refused) as refused:
        street.order_place(number="", area_code=XIHU, recipient=RECIPIENT, lines=[])
    assert (refused.value.status, refused.value.code) == (400, "input_invalid")
    assert [field["path"] for field in refused.value.fields] == ["/number", "/lines"]
    assert not refused.value.is_repeatable


def test_the_awaited_client_says_the_same(serving: Serving) -> None:
    line = {"sku_id": id_text("sku", serving.market.tea), "quantity": 1}

    async def trade() -> None:
        async with AsyncClient(serving.url, serving.keys["street"]) as street:
            orders = await asyncio.gather(
                *(
                    street.order_place(
                        number=f"ASYNC-{i}", area_code=XIHU, recipient=RECIPIENT, lines=[line]
                    )
                    for i in range(5)
                )
            )
            seen = await asyncio.gather(*(street.order_get(order["id"]) for order in orders))
            assert [order["number"] for order in seen] == [f"ASYNC-{i}" for i in range(5)]

    asyncio.run(trade())


def test_both_clients_have_the_same_verbs() -> None:
    verbs = {name for name in vars(Client) if not name.startswith("_")}
    assert verbs == {name for name in vars(AsyncClient) if not name.startswith("_")}
    assert len(verbs) > 40
