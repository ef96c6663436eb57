"""The command line on a sandbox of the test's own."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import database_create, database_leave, database_url
from weili.entrypoints.cli import main
from weili.kit.secrets import KeyRing


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, keyring: KeyRing) -> Path:
    """Give a state folder with the run's key ring."""
    folder = tmp_path / "home"
    keyring.save(folder / "keyring.json")
    return folder


@pytest.fixture
def sandbox(
    server_url: str, template: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Point the command line at a migrated sandbox; gives its database's URL."""
    name = f"weili_test_cli_{uuid.uuid4().hex[:12]}"
    database_create(server_url, f"{name}_sandbox", template=template)
    monkeypatch.setenv("WEILI_DATABASE_URL", database_url(server_url, name))
    monkeypatch.setenv("WEILI_HOME", str(home))
    monkeypatch.setenv("WEILI_WORLDS", "sandbox")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    yield database_url(server_url, f"{name}_sandbox")
    for tail in ("", "_sandbox", "_sandbox_restoring", "_trial"):
        database_leave(server_url, name + tail)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run commands as a terminal would."""

    def command(*words: str) -> Said:
        monkeypatch.setattr("sys.argv", ["weili", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else int(code is not None), said.out, said.err)

    return command


@pytest.fixture
def run(sandbox: str, typed: Run) -> Run:
    """Run commands in a sandbox of the test's own."""
    return typed


@pytest.fixture
def ground(run: Run) -> Run:
    """Run commands in a sandbox whose ground is open."""
    assert run("db", "upgrade").code == 0
    return run
