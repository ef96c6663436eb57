"""``weili search``: the search index of this machine."""

import os

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import JsonOption, WorldOption, world_opened

app = typer.Typer(help="The search index of this machine.", no_args_is_help=True)


@app.callback()
def searches() -> None:
    """The search index of this machine."""


@app.command("rebuild")
def rebuild(world: WorldOption = None, as_json: JsonOption = False) -> None:
    """Build the index anew from the database; the one that is there serves until then."""
    from weili import bootstrap
    from weili.adapters.search import TantivyWriter, rebuild_ask
    from weili.workflows.index_goods import index_build

    settings = bootstrap.Settings.read(os.environ)
    with world_opened(world) as opened:
        home = settings.search_home(opened.name)
        writer = TantivyWriter(home)
        count = index_build(opened.begin, writer) if writer.lock() else None
        writer.close()
    if count is None:
        rebuild_ask(home)
    if as_json:
        say.document({"world": opened.name, "skus": count, "asked": count is None})
    elif count is None:
        say.line(
            f"The worker builds the index of {opened.name} anew now.",
            f"后台进程正在重建 {opened.name} 的搜索索引。",
        )
    else:
        say.line(
            f"The index of {opened.name} holds {count} SKUs.",
            f"{opened.name} 的搜索索引已重建，共 {count} 个商品。",
        )
