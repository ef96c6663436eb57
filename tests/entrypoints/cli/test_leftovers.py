"""What embedded servers of homes that are gone have left is listed, and deleted by name alone."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints.cli.conftest import Run, Said
from weili.adapters.postgres import places

GONE, MOVED, THERE, OTHER = ("a" * 16, "b" * 16, "c" * 16, "d" * 16)
SIZE = 2_500_000


@dataclass(frozen=True)
class Attic:
    """A folder of data of our own in the place of the machine's, with homes beside it."""

    root: Path
    homes: Path
    run: Run

    def kept(self, identity: str, home: str, *, is_there: bool, size_bytes: int = 10) -> None:
        """Lay down the data of a home, as root has it."""
        control = self.root / identity / "global" / "pg_control"
        control.parent.mkdir(parents=True)
        control.write_bytes(bytes(size_bytes))
        os.utime(control, (1_790_000_000, 1_790_000_000))
        (self.root / f"{identity}.running").touch()
        (self.root / f"{identity}.home").write_text(f"{self.homes / home}\n")
        if is_there:
            (self.homes / home).mkdir()
            (self.homes / home / "id").write_text(f"{identity}\n")

    def listed(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(self.run("db", "leftovers", "--json").out)["items"]
        return items

    def prune(self, *words: str) -> Said:
        return self.run("db", "prune", *words)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir())


@pytest.fixture
def attic(typed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attic:
    monkeypatch.setenv("LANG", "C.UTF-8")
    attic = Attic(tmp_path / "root", tmp_path / "homes", typed)
    attic.root.mkdir()
    attic.homes.mkdir()
    monkeypatch.setattr(places, "SYSTEM_ROOT", attic.root)
    attic.kept(THERE, "there", is_there=True)
    return attic


def test_only_what_a_gone_home_left_is_listed_the_largest_first(attic: Attic) -> None:
    # Given homes that are gone, one in whose place another stands, and things of no home
    attic.kept(MOVED, "small", is_there=False)
    attic.kept(GONE, "large", is_there=False, size_bytes=SIZE)
    (attic.homes / "small").mkdir()
    (attic.homes / "small" / "id").write_text(f"{OTHER}\n")
    (attic.root / "pg-18").mkdir()
    (attic.root / "note.home").write_text("nowhere\n")
    before = attic.names()

    # Then they are told with home, size and last use, and nothing has changed
    large, small = attic.listed()
    assert large == {
        "id": GONE,
        "home": str(attic.homes / "large"),
        "size_bytes": SIZE,
        "used_at": "2026-09-21T14:13:20+00:00",
        "is_running": False,
    }
    assert (small["id"], small["size_bytes"]) == (MOVED, 10)
    said = attic.run("db", "leftovers").out
    assert "2.5  2026-09-21 22:13+08:00" in said
    assert THERE not in said
    assert attic.names() == before


def test_what_is_named_is_deleted_when_somebody_says_yes_and_nothing_else(attic: Attic) -> None:
    attic.kept(GONE, "gone", is_there=False, size_bytes=SIZE)
    attic.kept(OTHER, "other", is_there=False)
    before = attic.names()

    asked = attic.prune(GONE)
    assert (asked.code, "1 database folder(s) of 2.5 MB" in asked.err) == (6, True)
    # One that is in use, or that nobody knows, keeps the others too
    for wrong in (THERE, "e" * 16, "../homes"):
        assert attic.prune(GONE, wrong, "--yes").code == 5
    assert attic.names() == before

    done = attic.prune(GONE, GONE, "--yes")
    assert (done.code, done.out.count("is deleted")) == (0, 1)
    assert attic.names() == [name for name in before if not name.startswith(GONE)]
    assert [item["id"] for item in attic.listed()] == [OTHER]


def test_a_server_that_runs_without_its_home_is_told_and_left_alone(attic: Attic) -> None:
    attic.kept(GONE, "gone", is_there=False)
    before = attic.names()
    with (attic.root / f"{GONE}.running").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert [item["is_running"] for item in attic.listed()] == [True]
        refused = attic.prune(GONE, "--yes")
    assert (refused.code, "still runs" in refused.err) == (6, True)
    assert attic.names() == before
    assert attic.prune(GONE, "--yes").code == 0


def test_what_was_deleted_in_part_is_found_again(attic: Attic) -> None:
    attic.kept(GONE, "gone", is_there=False, size_bytes=SIZE)
    (attic.root / GONE).rename(attic.root / f"{GONE}.removing")
    assert [(item["id"], item["size_bytes"]) for item in attic.listed()] == [(GONE, SIZE)]
    assert attic.prune(GONE, "--yes").code == 0
    assert [name for name in attic.names() if name.startswith(GONE)] == []


def test_it_is_said_in_chinese_too(attic: Attic, monkeypatch: pytest.MonkeyPatch) -> None:
    attic.kept(GONE, "gone", is_there=False, size_bytes=SIZE)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "最后使用" in attic.run("db", "leftovers").out
    assert "将永久删除 1 个数据目录（2.5 兆字节）" in attic.prune(GONE).err
    assert "已删除" in attic.prune(GONE, "--yes").out
