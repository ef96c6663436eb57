"""A real server on a port of this machine, over the small market, with keys for everyone."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from tests import market as markets
from weili.entrypoints.http import create_app, place_batch, place_weight
from weili.kit.context import Ctx, PartyId
from weili.kit.groupcommit import GroupCommit
from weili.kit.world import World
from weili.modules import parties

sys.path.insert(0, str(Path(__file__).parents[3] / "sdk" / "python"))

from weili_client import Bearer, Client, Credentials, Signer

START_S = 20


@dataclass(frozen=True, slots=True)
class Serving:
    """A market that is served."""

    url: str
    market: markets.Market
    operator: PartyId
    keys: dict[str, Credentials]
    key_ids: dict[str, str]

    def client(self, who: str = "street") -> Client:
        """Give a client that asks once and never again."""
        return Client(self.url, self.keys[who], tries_max=1)


@contextmanager
def served(world: World) -> Iterator[str]:
    """Serve a world until the end of the block; gives the address."""
    placing = GroupCommit(place_batch(world), lane=world.name, weigh=place_weight)
    app = create_app(worlds={world.name: world}, placing={world.name: placing})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        pause = threading.Event()
        for _ in range(START_S * 100):
            if server.started:
                break
            pause.wait(0.01)
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(START_S)
        assert not thread.is_alive()
    placing.close()


def key_signed(ctx: Ctx, party_id: PartyId, scopes: frozenset[str]) -> Signer:
    """Issue a signing key."""
    issued = parties.key_issue(
        ctx, party_id=party_id, kind=parties.KeyKind.HMAC, scopes=scopes, label="test"
    )
    return Signer(issued.key.id, issued.secret)


@pytest.fixture
def serving(world: World) -> Iterator[Serving]:
    """Serve a fresh market to a partner, another, two suppliers and the operator."""
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
        signers = {
            name: key_signed(ctx, party_id, parties.ROLE_SCOPES[kind])
            for name, (party_id, kind) in who.items()
        }
        bearer = parties.key_issue(
            ctx,
            party_id=market.street,
            kind=parties.KeyKind.BEARER,
            scopes=parties.ROLE_SCOPES[kinds.PARTNER],
            label="bearer",
        )
    keys: dict[str, Credentials] = {**signers, "bearer": Bearer(bearer.secret)}
    key_ids = {name: signer.key_id for name, signer in signers.items()}
    with served(world) as url:
        yield Serving(url, market, operator, keys, key_ids | {"bearer": bearer.key.id})
