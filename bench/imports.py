"""``python -m bench.imports``: how fast a large sheet is imported, and in how much memory.

A sheet of made-up goods is written as csv, and a smaller one as xlsx, and each is imported twice by
a process of its own into a world of its own: all new, then all the same. The peak of memory is that
process's, so that the csv's must hardly grow with the rows while the workbook's does.

``--largest`` imports one workbook instead, about as large as may be: ``ROWS_MAX`` rows, each with a
remark of its own, just under 50 MB.
"""

import argparse
import csv
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from bench import machine, ours
from weili import bootstrap, sample
from weili.adapters.files import sheet_rows
from weili.adapters.postgres import embedded
from weili.kit.context import Ctx
from weili.kit.world import in_transaction
from weili.modules import goods, inventory, pricing
from weili.workflows.import_goods import ROWS_MAX, import_goods
from weili.workflows.load_sample import load_sample
from weili.workflows.open_accounts import supplier_ids

HOME: Final = ours.CHECKOUT / ".weili" / "bench-imports"
RESULTS: Final = Path(__file__).with_name("results") / "imports.json"
VARIANTS: Final = 3
REMARK_LENGTH: Final = 55
"""With this, a workbook of as many rows as may be imported comes to just under 50 MB."""


def sheet_made(rows: int, *, remark_length: int = 0) -> Iterator[list[str]]:
    """Give the header, then rows in the shapes of the sample's, three variants to an SPU.

    With remarks, each of so many characters and no two alike, a row is an SPU by itself.
    """
    with sample.catalogue_path() as path:
        shapes = [raw for _, raw in sheet_rows(path, aliases=goods.SHEET_ALIASES)]
    letters = sorted({letter for shape in shapes for letter in shape["title"]})
    chance = random.Random(1)
    yield list(shapes[0])
    for i in range(rows):
        spu, variant = divmod(i, 1 if remark_length else VARIANTS)
        shape = shapes[spu % len(shapes)]
        made = {
            "supplier_code": f"B{i}",
            "spu_code": f"BS{spu}",
            "variant": f"款式 {variant}",
            "title": f"{shape['title']} {spu}",
            "gtin": "",
        }
        if remark_length:
            remark = "".join(chance.choices(letters, k=remark_length))
            made["attributes"] = f"{shape['attributes']};说明={remark}"
        yield [made.get(name, shape.get(name, "")) for name in shapes[0]]


def imported(path: Path, rows: int) -> dict[str, Any]:
    """Import one sheet twice into a fresh world: all new, then all the same.

    Gives for each rows a second, the processor time that a row took of this process and of
    PostgreSQL, and what others took of the machine; and this process's peak in MB.
    """
    settings = bootstrap.Settings(None, (bootstrap.SANDBOX,), "127.0.0.1", 0, HOME)
    _remove(settings)
    bootstrap.home_make(settings)
    server = embedded.up(settings.postgres_home)
    try:
        with bootstrap.opened(settings, upgrade=True) as worlds:
            world = worlds[bootstrap.SANDBOX]
            load_sample(world.begin, keep=lambda _: None)
            place = in_transaction(world.begin, _place)
            bootstrap.forget_garbage()  # As the command does.
            passes: dict[str, dict[str, float]] = {}
            for name in ("new", "same"):
                start = time.perf_counter()
                with machine.watched({"bench": os.getpid(), "postgres": server.pid}) as share:
                    report = import_goods(
                        world.begin,
                        rows=sheet_rows(
                            path, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED
                        ),
                        **place,
                    )
                passes[name] = {
                    "rows_per_s": round(rows / (time.perf_counter() - start)),
                    **{
                        f"{part}_us_per_row": round(s / rows * 1e6)
                        for part, s in share.ours_s.items()
                    },
                    "others_share": share.others,
                }
                if report.rows != rows:
                    raise RuntimeError(f"{report.rows} rows were read, {rows} written")
    finally:
        _remove(settings)
    return {
        "rows": rows,
        "bytes": path.stat().st_size,
        **passes,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _place(ctx: Ctx) -> dict[str, Any]:
    """Find where the sample keeps its goods."""
    warehouses: dict[Any, list[Any]] = {}
    for house in inventory.warehouse_page(ctx, cursor=None, limit=200).items:
        warehouses.setdefault(house.supplier_id, []).append(house.id)
    price_list = pricing.list_by_name(ctx, name="standard")
    pool = goods.pool_by_name(ctx, name="default")
    if price_list is None or pool is None:
        raise RuntimeError("the sample has no price list or no pool")
    return {
        "suppliers": supplier_ids(ctx),
        "warehouses": warehouses,
        "price_list_id": price_list.id,
        "pool_id": pool.id,
    }


def _remove(settings: bootstrap.Settings) -> None:
    embedded.remove(settings.postgres_home)
    shutil.rmtree(settings.home, ignore_errors=True)


def _written(folder: Path, kind: str, rows: int, remark_length: int = 0) -> Path:
    path = folder / f"sheet.{kind}"
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(sheet_made(rows))
        return path
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(sheet_made(rows, remark_length=remark_length)):
            sheet.write_row(number, 0, cells)
    return path


def _sheets(rows: int, *, is_largest: bool) -> list[tuple[str, str, int, int]]:
    """Give the sheets to be measured: name, kind, rows, and the length of remarks."""
    if is_largest:
        return [("xlsx_largest", "xlsx", ROWS_MAX, REMARK_LENGTH)]
    return [
        ("csv_small", "csv", rows // 10, 0),
        ("csv", "csv", rows, 0),
        ("xlsx", "xlsx", rows // 2, 0),
    ]


def main(words: Sequence[str]) -> int:
    """Measure sheets of each size and kind, each in a process of its own; write it all down."""
    parser = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="of the larger csv")
    parser.add_argument("--largest", action="store_true", help="one workbook of 50 MB instead")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--one", nargs=2, metavar=("FILE", "ROWS"), help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.one:
        json.dump(imported(Path(options.one[0]), int(options.one[1])), sys.stdout)
        return 0
    folder = HOME.with_name("bench-sheets")
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {}
    if options.largest and options.output.exists():
        results = json.loads(options.output.read_text(encoding="utf-8"))
    results["made_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        for name, kind, rows, remark_length in _sheets(options.rows, is_largest=options.largest):
            path = _written(folder, kind, rows, remark_length)
            done = subprocess.run(
                [sys.executable, "-m", "bench.imports", "--one", str(path), str(rows)],
                check=True,
                capture_output=True,
                text=True,
                cwd=ours.CHECKOUT,
            )
            results[name] = json.loads(done.stdout)
            print(name, results[name], flush=True)
    finally:
        shutil.rmtree(folder)
    options.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
