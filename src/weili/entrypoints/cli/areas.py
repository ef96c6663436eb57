"""``weili areas``: the list of provinces, cities, counties and towns."""

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import JsonOption, WorldOption, world_opened

app = typer.Typer(help="The list of areas.", no_args_is_help=True)


@app.callback()
def _areas() -> None:
    """Keep ``refresh`` a command of its own."""


@app.command("refresh")
def areas_refresh(world: WorldOption = None, as_json: JsonOption = False) -> None:
    """Bring the list to the installed edition and say what changed; again changes nothing."""
    from weili.kit.world import in_transaction
    from weili.workflows.refresh_areas import refresh_areas

    with world_opened(world) as opened:
        done = in_transaction(opened.begin, refresh_areas)
    if as_json:
        say.document(
            {
                "vintage": done.vintage,
                "rows": done.rows,
                "changes": [
                    {
                        "position": row.position,
                        "year": row.change.year,
                        "kind": row.change.kind.value,
                        "code": row.change.code,
                        "name": row.change.name,
                        "successor_code": row.change.successor_code,
                        "successor_name": row.change.successor_name,
                    }
                    for row in done.changes
                ],
            }
        )
        return
    for row in done.changes:
        change = row.change
        to = f" -> {change.successor_code} {change.successor_name}" if change.successor_code else ""
        plain = (
            f"{row.position}  {change.year}  {change.kind.value}  {change.code} {change.name}{to}"
        )
        say.line(plain, plain)
    say.line(
        f"{done.vintage}: {done.rows} rows new or different, {len(done.changes)} changes.",
        f"{done.vintage}：新增或更新 {done.rows} 行，变更 {len(done.changes)} 条。",
    )
