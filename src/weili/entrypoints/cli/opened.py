"""One open world for a command that works in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weili.kit.problems import Kind, Problem
from weili.kit.world import World

if TYPE_CHECKING:
    from weili.bootstrap import Settings
    from weili.kit.context import Begin, PartyId

WorldOption = Annotated[
    str | None,
    typer.Option("--world", help="The world to work in, where WEILI_WORLDS names several."),
]
SupplierNameOption = Annotated[
    str, typer.Option("--supplier", help="The supplier for whom it is done.")
]
SheetArgument = Annotated[
    Path, typer.Argument(help="A csv or xlsx sheet.", exists=True, dir_okay=False)
]
SkipBadOption = Annotated[
    bool, typer.Option("--skip-bad", help="Leave wrong rows out instead of refusing all.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for scripts.")]


class ServerDown(Problem):
    """The embedded server does not run, and it is not this command's to start."""

    kind = Kind.UNAVAILABLE
    code = "server_down"
    en = "The embedded server does not run; start Weili first."
    zh = "自带数据库未在运行；请先启动微力。"


class WorldAmbiguous(Problem):
    """The command concerns one world, and there are several or it is not among them."""

    kind = Kind.INVALID
    code = "world_ambiguous"
    en = "Say which world is meant: --world with one of {worlds}."
    zh = "请用 --world 指明操作的环境，可选：{worlds}。"


def server_check(settings: "Settings") -> None:
    """See that an embedded server runs, for a command that only looks and shall start nothing.

    Raises: ServerDown.
    """
    from weili.adapters.postgres import embedded

    if settings.database_url is None and embedded.status(settings.postgres_home) is None:
        raise ServerDown


@contextmanager
def world_opened(name: str | None) -> Iterator[World]:
    """Open the world that was named, or the only one there is.

    Raises: WorldAmbiguous; SettingInvalid; what opening worlds raises.
    """
    from dataclasses import replace

    from weili import bootstrap

    settings = bootstrap.Settings.read(os.environ)
    chosen = name or (settings.worlds[0] if len(settings.worlds) == 1 else None)
    if chosen not in settings.worlds or chosen is None:
        raise WorldAmbiguous(worlds=", ".join(settings.worlds))
    with bootstrap.opened(replace(settings, worlds=(chosen,))) as worlds:
        yield worlds[chosen]


@contextmanager
def supplier_opened(world: str | None, supplier: str) -> "Iterator[tuple[PartyId, Begin]]":
    """Open a world for a supplier: what is done there may do no more than the supplier may.

    Raises: NotFound; what ``world_opened`` raises.
    """
    with world_opened(world) as opened:
        yield supplier_begin(opened, supplier)


def supplier_begin(opened: World, supplier: str) -> "tuple[PartyId, Begin]":
    """Find a supplier; what is begun for it may do no more than it may.

    Raises: NotFound.
    """
    from weili.kit.context import SYSTEM, Actor
    from weili.kit.world import in_transaction
    from weili.modules import parties

    kind = parties.PartyKind.SUPPLIER
    party = in_transaction(
        opened.begin, lambda ctx: parties.party_by_name(ctx, kind=kind, name=supplier)
    )
    actor = Actor(kind.value, party.id, SYSTEM.key_id, parties.ROLE_SCOPES[kind])
    return party.id, opened.begin_as(actor)
