"""The generated references say what the code says now, and the same every time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from weili.entrypoints.cli import docs
from weili.entrypoints.http.policy import OF_SESSIONS, POLICY, PUBLIC
from weili.kit.problems import Problem
from weili.modules import dropship, goods, ledger, parties, pricing

CHECKOUT = Path(__file__).parents[2]
REFERENCE = CHECKOUT / "docs" / "reference"


@pytest.fixture(scope="module")
def references() -> dict[str, str]:
    return docs.references()


def test_the_committed_references_are_up_to_date(references: dict[str, str]) -> None:
    stale = [
        name
        for name, text in references.items()
        if not (REFERENCE / name).is_file()
        or (REFERENCE / name).read_text(encoding="utf-8") != text
    ]

    assert stale == [], "run `make docs` and commit what it writes"


def test_nothing_else_lies_among_the_references(references: dict[str, str]) -> None:
    measured = {"benchmarks.md"}  # Its figures are written by the benchmark, on purpose alone.
    assert {path.name for path in REFERENCE.iterdir()} == references.keys() | measured


def test_every_route_of_the_policy_is_shown_with_its_scope(references: dict[str, str]) -> None:
    lines = references["policy.md"].splitlines()

    for (method, path), scope in POLICY.items():
        with_none = "a session" if (method, path) in OF_SESSIONS else "any key"
        assert f"| {method} | `{path}` | {f'`{scope}`' if scope else with_none} |" in lines
    for path in PUBLIC - {"/openapi.json"}:
        assert f"| GET | `{path}` | no key |" in lines


def test_every_problem_is_shown_in_both_languages(references: dict[str, str]) -> None:
    ours = [one for one in Problem.catalogue.values() if one.__module__.startswith("weili.")]
    assert len(ours) > 40

    for problem in ours:
        for text in (f"### {problem.code}\n", f"- en: {problem.en}\n", f"- zh: {problem.zh}\n"):
            assert text in references["problems.md"]


def test_every_event_is_shown(references: dict[str, str]) -> None:
    for module in (dropship, goods, ledger, parties, pricing):
        for event in module.EVENTS:
            assert f"### {event.name}\n" in references["events.md"]


def test_the_document_of_the_api_is_openapi_3_1(references: dict[str, str]) -> None:
    document = json.loads(references["openapi.json"])

    assert document["openapi"].startswith("3.1.")
    assert "post" in document["paths"]["/v1/orders:batch"]


def test_another_process_writes_the_same(references: dict[str, str], tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "weili.entrypoints.cli", "docs", "--to", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src"), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written == references


def test_a_check_tells_what_is_stale_and_writes_nothing(
    references: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in references.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert _exit_code(tmp_path) == 0

    (tmp_path / "events.md").write_text("something else", encoding="utf-8")
    (tmp_path / "states.md").unlink()

    assert _exit_code(tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'events.md'} is stale; run `weili docs`",
        f"{tmp_path / 'states.md'} is stale; run `weili docs`",
    ]
    assert (tmp_path / "events.md").read_text(encoding="utf-8") == "something else"
    assert not (tmp_path / "states.md").exists()


def _exit_code(folder: Path) -> int:
    with pytest.raises(typer.Exit) as ended:
        docs.docs(check=True, to=folder)
    return ended.value.exit_code
