"""Each import contract bites: a bad import is put into a copy of the source and is refused."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
}

# contract, the file that gets the import, the import, what the refusal names
BAD_IMPORTS = [
    ("layers", "kit/money.py", "import weili.modules.goods", "weili.kit.money"),
    ("layers", "modules/goods/service.py", "import weili.adapters.carriers", "goods.service"),
    ("layers", "adapters/carriers.py", "import weili.modules.goods", "weili.adapters.carriers"),
    ("layers", "modules/goods/service.py", "import weili.workflows.place", "goods.service"),
    ("layers", "workflows/place.py", "import weili.entrypoints.http", "weili.workflows.place"),
    ("layers", "entrypoints/http/orders.py", "import weili.bootstrap", "http.orders"),
    ("layers", "bootstrap/__init__.py", "import weili.entrypoints.cli", "weili.bootstrap"),
    ("layers", "newcomer.py", "import weili.kit", "weili.newcomer"),
    ("faces", "entrypoints/http/orders.py", "import weili.entrypoints.jobs", "http.orders"),
    ("faces", "entrypoints/jobs/sweep.py", "import weili.entrypoints.http", "jobs.sweep"),
    ("faces", "entrypoints/newcomer.py", "import weili.kit", "weili.entrypoints.newcomer"),
    ("tiers", "modules/parties/service.py", "import weili.modules.goods", "parties.service"),
    ("tiers", "modules/parties/service.py", "import weili.modules.regions", "parties.service"),
    ("tiers", "modules/goods/service.py", "from weili.modules import ledger", "goods.service"),
    ("tiers", "modules/pricing/service.py", "import weili.modules.inventory", "pricing.service"),
    ("tiers", "modules/ledger/service.py", "import weili.modules.dropship", "ledger.service"),
    ("tiers", "modules/newcomer.py", "import weili.kit", "weili.modules.newcomer"),
    ("inside", "modules/goods/store.py", "from weili.modules.goods import service", "goods.store"),
    ("inside", "modules/goods/tables.py", "from weili.modules.goods import store", "goods.tables"),
    ("inside", "modules/goods/rules.py", "from weili.modules.goods import tables", "goods.rules"),
    ("inside", "modules/goods/model.py", "from . import store", "goods.model"),
    ("inside", "modules/ledger/problems.py", "from .service import post", "ledger.problems"),
    ("pure", "modules/goods/rules.py", "import sqlalchemy as sa", "goods.rules"),
    ("pure", "modules/goods/model.py", "from weili.kit.db import Transaction", "goods.model"),
    ("pure", "modules/goods/problems.py", "import subprocess", "goods.problems"),
    ("sql", "modules/goods/service.py", "from sqlalchemy import select", "goods.service"),
    ("sql", "modules/goods/__init__.py", "import sqlalchemy", "weili.modules.goods ->"),
    ("sql", "workflows/place.py", "import psycopg", "weili.workflows.place"),
    ("sql", "entrypoints/http/orders.py", "import alembic", "http.orders"),
    ("sql", "kit/money.py", "import psycopg.types", "weili.kit.money"),
    ("web", "workflows/place.py", "from fastapi import HTTPException", "weili.workflows.place"),
    ("web", "modules/goods/service.py", "import starlette.requests", "goods.service"),
    ("web", "entrypoints/cli/up.py", "import uvicorn", "cli.up"),
    ("cryptography", "kit/ids.py", "from cryptography import fernet", "weili.kit.ids"),
    ("cryptography", "modules/parties/store.py", "import cryptography", "parties.store"),
]

# The other end of each bad import, where the tree does not have it yet.
ENDS = [
    "adapters/carriers.py",
    "bootstrap/__init__.py",
    "entrypoints/cli/__init__.py",
    "entrypoints/http/__init__.py",
    "entrypoints/jobs/__init__.py",
    "kit/db.py",
    "modules/dropship/__init__.py",
    "modules/goods/__init__.py",
    "modules/goods/service.py",
    "modules/goods/store.py",
    "modules/goods/tables.py",
    "modules/inventory/__init__.py",
    "modules/ledger/__init__.py",
    "modules/ledger/service.py",
    "modules/regions/__init__.py",
    "workflows/place.py",
]


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-c", "from importlinter.cli import import_linter; import_linter()"),
            *("lint", "--no-logo", "--no-cache", "--config", str(ROOT / "pyproject.toml")),
            *("--contract", contract),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{ROOT}", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def grow(path: Path, line: str = "") -> None:
    """Adds a line to a file of the package, making the file and its packages where absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for parent in path.parents:
        if parent.name == "src":
            break
        (parent / "__init__.py").touch()
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the source, with every file that a case points at."""
    shutil.copytree(
        ROOT / "src" / "weili",
        tmp_path / "src" / "weili",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for end in ENDS:
        if not (tmp_path / "src/weili" / end).exists():
            # What is a single file for now is still one with the name.
            single = (tmp_path / "src/weili" / end).parent.with_suffix(".py")
            if not single.exists():
                grow(tmp_path / "src/weili" / end)
    return tmp_path


def test_every_contract_has_a_case() -> None:
    assert {contract for contract, *_ in BAD_IMPORTS} == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_house_keeps_the_contract(contract: str) -> None:
    report = lint(ROOT, contract)
    assert f"{CONTRACTS[contract]} KEPT" in report.stdout, report.stdout + report.stderr
    assert report.returncode == 0


@pytest.mark.parametrize(("contract", "file", "line", "named"), BAD_IMPORTS)
def test_a_bad_import_is_refused(
    house: Path, contract: str, file: str, line: str, named: str
) -> None:
    grow(house / "src" / "weili" / file, line)
    report = lint(house, contract)
    assert report.returncode == 1
    assert f"{CONTRACTS[contract]} BROKEN" in report.stdout, report.stdout + report.stderr
    assert named in report.stdout
