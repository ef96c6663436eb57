"""``weili db partitions``, ``take-out`` and ``put-back``: old months out of it, and back."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.database import BackupFolderMissing
from weili.entrypoints.cli.opened import JsonOption, WorldOption, server_check, world_opened
from weili.kit.zone import day_of

if TYPE_CHECKING:
    from weili.kit.partitions import Partition


def partitions(world: WorldOption = None, as_json: JsonOption = False) -> None:
    """List the tables that are cut by time: what lies in each partition, and what was taken out.

    A partition is named by the last month, or the last position, that it holds.
    """
    from weili import bootstrap
    from weili.kit.partitions import partitions_read

    server_check(bootstrap.Settings.read(os.environ))
    with world_opened(world) as opened, opened.begin() as ctx:
        found = partitions_read(ctx)
    if as_json:
        say.page_document(_document(each) for each in found)
        return
    say.table(
        [
            ("partition", "分区"),
            ("until", "截止"),
            ("rows, about", "约行数"),
            ("MB", "大小（兆字节）"),
            ("taken out", "已移出"),
        ],
        [
            (
                each.fullname,
                day_of(each.ends_at) if each.ends_at else each.name,
                each.rows_estimated,
                f"{each.size_bytes / 1_000_000:.1f}",
                day_of(each.out_at) if each.out_at else "",
            )
            for each in found
        ],
    )


def take_out(
    partition: Annotated[
        str, typer.Argument(help="The partition, as `weili db partitions` names it.")
    ],
    file: Annotated[Path, typer.Argument(help="The file to write; readable by you alone.")],
    world: WorldOption = None,
) -> None:
    """Take old rows out of the database into a file, once every order until then has ended.

    The file is the only place where they are then: keep it as you keep back-ups. What `weili
    verify` holds the books against stays, and so do messages that nobody has acknowledged.
    """
    from weili import bootstrap
    from weili.adapters.postgres import months
    from weili.workflows.old_months import CUTS, partition_ended

    if not file.absolute().parent.is_dir():
        raise BackupFolderMissing(folder=str(file.absolute().parent))
    with world_opened(world) as opened:
        with opened.begin(snapshot=True) as ctx:
            part, now = partition_ended(ctx, name=partition), ctx.now
        url = bootstrap.url_of(opened)
        # The database's own step: newer code may have brought it further than this.
        step = bootstrap.schema_step(opened.name, url)
        about = {"world": opened.name, "schema": step or ""}
        out = months.take_out(
            url,
            cut=CUTS[part.parent],
            part=part,
            to=file,
            now=now,
            about=about,
        )
    say.line(
        f"{file}: {out.row_count} rows of {partition}, {file.stat().st_size} bytes.",
        f"{file}：{partition} 的 {out.row_count} 行，{file.stat().st_size} 字节。",
    )


def put_back(
    file: Annotated[
        Path,
        typer.Argument(
            help="The file that the rows were written into.", exists=True, dir_okay=False
        ),
    ],
    world: WorldOption = None,
) -> None:
    """Put rows back into the database that they were taken out of."""
    from weili import bootstrap
    from weili.adapters.postgres import months
    from weili.workflows.old_months import CUTS

    with world_opened(world) as opened:
        back = months.put_back(bootstrap.url_of(opened), cuts=CUTS, source=file)
    name = f"{back.table}_{back.partition}"
    say.line(
        f"{name} has its {back.row_count} rows again. `weili verify` checks the world.",
        f"{name} 的 {back.row_count} 行已放回。可用 `weili verify` 校验。",
    )


def _document(each: "Partition") -> dict[str, Any]:
    return {
        "partition": each.fullname,
        "ends_at": each.ends_at.isoformat() if each.ends_at else None,
        "bound": each.bound,
        "rows_estimated": each.rows_estimated,
        "size_bytes": each.size_bytes,
        "out_at": each.out_at.isoformat() if each.out_at else None,
        "rows_out": each.rows_out,
    }
