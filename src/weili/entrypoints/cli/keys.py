"""``weili key``: the keys that parties come with, and the ring that keeps their secrets."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.database import stopped
from weili.entrypoints.cli.opened import JsonOption, WorldOption, world_opened
from weili.kit.problems import Said

if TYPE_CHECKING:
    from datetime import datetime

    from weili.kit.context import Ctx
    from weili.modules.parties import Party

app = typer.Typer(help="Keys of parties, and the key ring.", no_args_is_help=True)
ring = typer.Typer(help="Make the key ring of a new deployment; one that is there stays as it is.")
app.add_typer(ring, name="ring")

_MANY = Said("one party alone", "唯一的主体", code="party")
PartyArgument = Annotated[str, typer.Argument(help="The party's id (pty_…) or its name.")]


@app.command("issue")
def key_issue(  # noqa: PLR0917 - typer passes options by name
    party: PartyArgument,
    label: Annotated[str, typer.Option("--label", help="What the key is for.")],
    kind: Annotated[
        str, typer.Option("--kind", help="hmac (signed requests) or bearer (sandboxes only).")
    ] = "hmac",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What it may do; may be repeated. All of its role's but people:write, if none.",
        ),
    ] = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue a key. Its secret is shown once, now."""
    from weili.kit.world import in_transaction
    from weili.modules import parties

    if kind not in set(parties.KeyKind):
        raise typer.BadParameter("--kind is hmac or bearer")
    with world_opened(world) as opened:

        def work(ctx: "Ctx") -> parties.IssuedKey:
            found = party_found(ctx, party)
            scopes = scope or parties.KEY_SCOPES[found.kind]
            return parties.key_issue(
                ctx, party_id=found.id, kind=parties.KeyKind(kind), scopes=scopes, label=label
            )

        issued = in_transaction(opened.begin, work)
    if as_json:
        say.document({"key_id": issued.key.id, "kind": kind, "secret": issued.secret})
        return
    say.line(f"Key: {issued.key.id}", f"密钥编号：{issued.key.id}")
    say.line(
        f"Secret, shown this once: {issued.secret}", f"密钥内容（仅显示这一次）：{issued.secret}"
    )


@app.command("list")
def key_list(party: PartyArgument, world: WorldOption = None, as_json: JsonOption = False) -> None:
    """List a party's keys, without their secrets."""
    from weili.kit.world import in_transaction
    from weili.modules import parties

    with world_opened(world) as opened:
        keys = in_transaction(
            opened.begin,
            lambda ctx: parties.key_page(ctx, party_id=party_found(ctx, party).id, limit=200).items,
        )
    if as_json:
        say.page_document(
            {
                "id": key.id,
                "kind": str(key.kind),
                "label": key.label,
                "scopes": sorted(key.scopes),
                "created_at": key.created_at.isoformat(),
                "revoked_at": _time(key.revoked_at),
                "expires_at": _time(key.expires_at),
            }
            for key in keys
        )
        return
    say.table(
        [("key", "编号"), ("kind", "类型"), ("label", "用途"), ("revoked", "吊销时间")],
        [(key.id, key.kind, key.label, _time(key.revoked_at)) for key in keys],
    )


@app.command("revoke")
def key_revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id (key_…).")],
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the audit log.")],
    world: WorldOption = None,
) -> None:
    """Revoke a key for good; it is refused within a few seconds."""
    from weili.kit.world import in_transaction
    from weili.modules import parties

    with world_opened(world) as opened:
        in_transaction(
            opened.begin, lambda ctx: parties.key_revoke(ctx, key_id=key_id, reason=reason)
        )
    say.line(f"{key_id} is revoked.", f"{key_id} 已吊销。")


@ring.callback(invoke_without_command=True)
def key_ring(context: typer.Context) -> None:
    """Make the key ring of a new deployment; one that is there stays as it is."""
    from weili import bootstrap

    if context.invoked_subcommand is not None:
        return
    settings = bootstrap.Settings.read(os.environ)
    path = settings.keyring_path
    if not path.exists():
        urls = bootstrap.database_urls(settings, bootstrap.server_up(settings))
        if any(bootstrap.schema_step(world, url) for world, url in urls.items()):
            raise bootstrap.KeyRingMissing(path=str(path))
    if bootstrap.keyring_make(settings):
        say.line(
            f"Made {path}. Keep a copy of it apart from the database's back-ups.",
            f"已生成 {path}。请与数据库备份分开保存一份。",
        )
    else:
        say.line(f"{path} is there already.", f"{path} 已存在。")


@ring.command("rotate")
def key_ring_rotate(as_json: JsonOption = False) -> None:
    """Put a new key on the ring, which seals from now on; the older keys still open.

    What is sealed already stays as it is. Refused while `weili up` runs here.
    """
    from weili import bootstrap
    from weili.kit.secrets import KeyRing

    settings = bootstrap.Settings.read(os.environ)
    path = settings.keyring_path
    with stopped(settings):
        if not path.exists():
            raise bootstrap.KeyRingMissing(path=str(path))
        rotated = KeyRing.load(path).rotated()
        rotated.replace(path)
    if as_json:
        say.document({"keyring": str(path), "active": rotated.active, "keys": rotated.numbers})
        return
    older = len(rotated.numbers) - 1
    say.line(
        f"{path}: key {rotated.active} seals from now on; older keys, which still open: {older}.",
        f"{path}：即日起使用第 {rotated.active} 号密钥加密；仍可解密的旧密钥：{older} 把。",
    )
    say.line(
        "Copy it to every other machine of this deployment, then restart each `weili serve` and "
        "`weili work` that runs: until then it can't open what is sealed with the new key.",
        "请将其复制到本部署的其他机器，并重启所有正在运行的 `weili serve` 与 `weili work`："
        "重启之前，它们无法解密用新密钥加密的数据。",
    )
    say.line(
        "Make a new back-up (`weili db backup`), and keep a copy of the ring apart from it: "
        "earlier copies lack the new key.",
        "请重新备份（`weili db backup`），并另存一份密钥环：此前的副本不含新密钥。",
    )


def party_found(ctx: "Ctx", text: str) -> "Party":
    """Find a party by its id, or by a name that only one party has."""
    from weili.kit.context import PartyId
    from weili.kit.ids import id_parse
    from weili.kit.problems import NotFound
    from weili.modules import parties

    if text.startswith(f"{parties.PARTY_PREFIX}_"):
        return parties.party_get(ctx, party_id=PartyId(id_parse(parties.PARTY_PREFIX, text)))
    found = []
    for kind in parties.PartyKind:
        try:
            found.append(parties.party_by_name(ctx, kind=kind, name=text))
        except NotFound:
            continue
    if len(found) != 1:
        raise NotFound(what=_MANY if found else parties.PARTY_WORD, id=text)
    return found[0]


def _time(at: "datetime | None") -> str | None:
    return None if at is None else at.isoformat()
