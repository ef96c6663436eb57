"""A real server on a port of this machine, over the small market, with keys for everyone."""

import json
import os
import socket
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import httpx2
import pytest
import sqlalchemy as sa
import uvicorn

from tests import market as markets
from tests.conftest import database_create, database_leave, database_url
from weili.adapters.files.media import FolderMediaStore
from weili.adapters.search import TantivyIndex, TantivyWriter
from weili.entrypoints.http.app import create_app
from weili.entrypoints.http.console import BUILT
from weili.entrypoints.http.look_readers import look_readers
from weili.entrypoints.http.looking import look_lane, look_work
from weili.entrypoints.http.meter import Meter
from weili.entrypoints.http.placing import place_lane, place_work
from weili.kit.context import Ctx, PartyId
from weili.kit.groupcommit import Lanes
from weili.kit.ids import id_text
from weili.kit.outbox import relay
from weili.kit.secrets import KeyRing
from weili.kit.wire import Wire
from weili.kit.world import World, in_transaction
from weili.modules import catalogue, goods, parties
from weili.workflows.index_goods import index_build

sys.path.insert(0, str(Path(__file__).parents[3] / "sdk" / "python"))

from weili_client import Bearer, Client, Credentials, Signer

START_S = 20
# As the database knows them: what the code happens to have imported is not enough.
TABLES = sa.text(
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public')"
    " AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')"
    " AND (schemaname, tablename) <> ('parties', 'request_nonce')"
)
RECIPIENT = {"name": "欧阳小美", "phone": "19912345678", "address": "文三路 1 号 2 幢 301 室"}


@dataclass(slots=True)
class Serving:
    """A market that is served, and everyone's keys."""

    url: str
    market: markets.Market
    operator: PartyId
    keys: dict[str, Credentials]
    key_ids: dict[str, str]
    http: httpx2.Client
    meter: Meter
    numbers: dict[str, int] = field(default_factory=dict)

    def client(self, who: str = "street") -> Client:
        """Give a client that asks once and never again."""
        return Client(self.url, self.keys[who], tries_max=1)

    def ask(
        self,
        who: str | None,
        method: str,
        target: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        key: bool = False,
    ) -> httpx2.Response:
        """Send one request as it is; ``key`` adds a fresh Idempotency-Key."""
        content = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        sent = {"content-type": "application/json"} if body is not None else {}
        if key:
            sent["idempotency-key"] = uuid.uuid4().hex
        if who is not None:
            sent |= self.keys[who].headers(method, target, content)
        return self.http.request(
            method, target, content=content or None, headers={**sent, **(headers or {})}
        )

    def number(self, stem: str = "N") -> str:
        """Give an order number that no other test has."""
        self.numbers[stem] = self.numbers.get(stem, 0) + 1
        return f"{stem}-{self.numbers[stem]}"

    def order(self, *lines: tuple[goods.SkuId, int], **changes: object) -> dict[str, Any]:
        """Make an order's body, of one tin of tea unless lines are named."""
        return {
            "number": changes.pop("number", None) or self.number(),
            "area_code": markets.XIHU,
            "recipient": RECIPIENT,
            "lines": [
                {"sku_id": id_text("sku", sku_id), "quantity": quantity}
                for sku_id, quantity in lines or ((self.market.tea, 1),)
            ],
            **changes,
        }

    def placed(
        self, *lines: tuple[goods.SkuId, int], who: str = "street", **changes: object
    ) -> dict[str, Any]:
        """Place an order and give its answer."""
        response = self.ask(who, "POST", "/v1/orders", self.order(*lines, **changes))
        assert response.status_code == 201, response.text
        return response.json()

    def rows(self) -> dict[str, int]:
        """Count every table's rows. Nonces are left out: a refused request keeps its own."""
        with self.market.world.engine.connect() as connection:
            names = connection.execute(TABLES).scalars().all()
            return {
                name: connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
                for name in names
            }

    def relayed(self) -> None:
        """Give what was announced its place in everyone's pool, and in the feeds of goods."""
        with self.market.world.begin() as ctx:
            relay(ctx)
        while in_transaction(self.market.world.begin, catalogue.follow):
            pass

    def key(
        self, who: PartyId, scopes: frozenset[str], *, kind: parties.KeyKind = parties.KeyKind.HMAC
    ) -> tuple[str, Credentials]:
        """Issue a key of one's own; gives its id and credentials."""
        with self.market.world.begin() as ctx:
            return key_issued(ctx, who, scopes, kind=kind)


@contextmanager
def served(world: World, meter: Meter | None = None, *, console: Path = BUILT) -> Iterator[str]:
    """Serve a world until the end of the block; gives the address."""
    (near, far), (near_look, far_look) = socket.socketpair(), socket.socketpair()
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory() as folder,
        socket.socket() as listener,
        near,
        far,
        near_look,
        far_look,
    ):
        index = TantivyIndex(Path(home))
        far_ends = [
            threading.Thread(target=place_work, args=(world, far), daemon=True),
            threading.Thread(
                target=look_work, args=(world, look_readers(index), far_look), daemon=True
            ),
        ]
        for far_end in far_ends:
            far_end.start()
        writer = TantivyWriter(Path(home))
        assert writer.lock()
        index_build(world.begin, writer)
        writer.close()
        app = create_app(
            worlds={world.name: world},
            placing={world.name: Lanes([place_lane(near)])},
            looking={world.name: Lanes([look_lane(near_look)])},
            media=FolderMediaStore(Path(folder)),
            indexes={world.name: index},
            meter=meter,
            console=console,
        )
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="on", timeout_graceful_shutdown=5
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        pause = threading.Event()
        for _ in range(START_S * 100):
            if server.started:
                break
            pause.wait(0.01)
        assert server.started
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_S)
            for far_end in far_ends:
                far_end.join(START_S)
        assert not any(each.is_alive() for each in (thread, *far_ends))


def key_issued(
    ctx: Ctx,
    party_id: PartyId,
    scopes: frozenset[str],
    *,
    kind: parties.KeyKind = parties.KeyKind.HMAC,
) -> tuple[str, Credentials]:
    """Issue a key; gives its id and credentials."""
    issued = parties.key_issue(ctx, party_id=party_id, kind=kind, scopes=scopes, label="test")
    if kind is parties.KeyKind.BEARER:
        return issued.key.id, Bearer(issued.secret)
    return issued.key.id, Signer(issued.key.id, issued.secret)


@contextmanager
def serving_of(world: World) -> Iterator[Serving]:
    """Open a market in an empty world and serve it."""
    market = markets.market_open(world)
    kinds = parties.PartyKind
    with world.begin() as ctx:
        operator = parties.party_open(
            ctx,
            kind=kinds.OPERATOR,
            name="operator",
            legal_name="operator Ltd",
            uscc=markets._uscc(9),
        ).id
        who = {
            "street": (market.street, kinds.PARTNER),
            "creator": (market.creator, kinds.PARTNER),
            "grocer": (market.grocer, kinds.SUPPLIER),
            "farm": (market.farm, kinds.SUPPLIER),
            "operator": (operator, kinds.OPERATOR),
        }
        issued = {
            name: key_issued(ctx, party_id, parties.ROLE_SCOPES[kind])
            for name, (party_id, kind) in who.items()
        }
        issued["bearer"] = key_issued(
            ctx,
            market.street,
            parties.ROLE_SCOPES[kinds.PARTNER],
            kind=parties.KeyKind.BEARER,
        )
    keys = {name: credentials for name, (_, credentials) in issued.items()}
    key_ids = {name: key_id for name, (key_id, _) in issued.items()}
    # Its document is made when it is first asked for, which takes seconds beside other tests.
    meter = Meter()
    with (
        served(world, meter) as url,
        httpx2.Client(base_url=url, timeout=60, trust_env=False) as http,
    ):
        yield Serving(url, market, operator, keys, key_ids, http, meter)


@pytest.fixture(scope="module")
def serving(server_url: str, template: str, keyring: KeyRing) -> Iterator[Serving]:
    """Serve one market to all tests of a file; each keeps to order numbers of its own."""
    name = f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    database_create(server_url, name, template=template)
    world = World("sandbox", database_url(server_url, name), keyring)
    with serving_of(world) as serving:
        yield serving
    world.close()
    database_leave(server_url, name)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Count what is sent to the database in a block."""
    send = Wire.send
    noted: list[str] = []

    def noting(wire: Wire, statement: LiteralString, params: Sequence[object]) -> object:
        noted.append(statement)
        return send(wire, statement, params)

    monkeypatch.setattr(Wire, "send", noting)

    @contextmanager
    def counting() -> Iterator[list[str]]:
        noted.clear()
        yield noted

    return counting


def _json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
