"""Health says what is missing, and of which world."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from weili.adapters.files.media import FolderMediaStore
from weili.entrypoints.http.app import create_app
from weili.entrypoints.http.looking import look_lane
from weili.entrypoints.http.placing import place_lane
from weili.kit.groupcommit import Lanes
from weili.kit.secrets import KeyRing
from weili.kit.world import World


class Desk:
    """The near ends of a world whose far ends are said to work, and who asks after them."""

    def __init__(self, world: World, links: tuple[socket.socket, socket.socket]) -> None:
        self.world = world
        self.placer, self.looker = place_lane(links[0]), look_lane(links[1])
        self.placer.is_ready = self.looker.is_ready = True
        self.is_fit = True

    def asked(self, folder: Path, language: str = "en") -> httpx2.Response:
        """Ask once; nothing is started for it."""
        name = self.world.name
        app = create_app(
            worlds={name: self.world},
            placing={name: Lanes([self.placer])},
            looking={name: Lanes([self.looker])},
            media=FolderMediaStore(folder),
            is_fit=lambda _: self.is_fit,
        )

        async def ask() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://weili") as client:
                return await client.get("/healthz", headers={"accept-language": language})

        return asyncio.run(ask())


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    (place, place_far), (look, look_far) = socket.socketpair(), socket.socketpair()
    with place, place_far, look, look_far:
        yield Desk(world, (place, look))


def test_a_world_that_trades_is_ready(desk: Desk, tmp_path: Path) -> None:
    answer = desk.asked(tmp_path)
    assert (answer.status_code, answer.json()["worlds"]) == (200, [desk.world.name])


@pytest.mark.parametrize(
    ("missing", "why", "words"),
    [
        ("placer", "placing", ("places orders", "下单进程")),
        ("looker", "looking", ("look up", "查询进程")),
        ("shape", "shape", ("this version works with", "与此版本不匹配")),
    ],
)
def test_what_is_missing_is_named_in_both_languages(
    desk: Desk, tmp_path: Path, missing: str, why: str, words: tuple[str, str]
) -> None:
    desk.is_fit = missing != "shape"
    desk.placer.is_ready = missing != "placer"
    desk.looker.is_ready = missing != "looker"
    for language, word in zip(("en", "zh"), words, strict=True):
        answer = desk.asked(tmp_path, language)
        said = answer.json()
        assert (answer.status_code, said["code"], said["repeatable"]) == (503, "not_ready", True)
        assert said["members"] == {"world": desk.world.name, "why": why, "retry_after_s": 1}
        assert answer.headers["retry-after"] == "1"
        assert word in said["detail"]


def test_a_database_that_does_not_answer_is_named(
    desk: Desk, keyring: KeyRing, tmp_path: Path
) -> None:
    # Given a world whose database is on a port that is bound, and that nobody listens on
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        desk.world = World("sandbox", f"postgresql://weili@127.0.0.1:{port}/weili", keyring)
        answer = desk.asked(tmp_path)
        desk.world.close()
    assert (answer.status_code, answer.json()["members"]["why"]) == (503, "database")
