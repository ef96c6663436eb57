"""``weili people``: who works for a party, and how they come to sign in."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.keys import PartyArgument, party_found
from weili.entrypoints.cli.opened import JsonOption, WorldOption, world_opened

if TYPE_CHECKING:
    from weili.kit.context import Ctx
    from weili.modules.parties import Person

app = typer.Typer(help="People of parties, and how they sign in.", no_args_is_help=True)

EmailOption = Annotated[str, typer.Option("--email", help="Their e-mail address.")]


@app.command("add")
def person_add(  # noqa: PLR0917 - typer passes options by name
    party: PartyArgument,
    name: Annotated[str, typer.Option("--name", help="Their name.")],
    email: EmailOption,
    role: Annotated[str, typer.Option("--role", help="What they do; depends on the party's kind.")],
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add someone who works for a party. They sign in once they have a password."""
    from weili.kit.ids import id_text
    from weili.kit.problems import FieldProblem, InputInvalid, either
    from weili.kit.world import in_transaction
    from weili.modules import parties

    if role not in set(parties.PersonRole):
        expected = either(list(parties.PersonRole))
        raise InputInvalid(fields=(FieldProblem("--role", "unknown", expected),))
    with world_opened(world) as opened:

        def work(ctx: "Ctx") -> "Person":
            return parties.person_add(
                ctx,
                party_id=party_found(ctx, party).id,
                name=name,
                email=email,
                role=parties.PersonRole(role),
            )

        person = in_transaction(opened.begin, work)
    person_id = id_text(parties.PERSON_PREFIX, person.id)
    if as_json:
        say.document({"id": person_id, "name": person.name, "role": str(person.role)})
        return
    say.line(f"{person.name} is {person_id}.", f"{person.name}：{person_id}")


@app.command("list")
def person_list(
    party: PartyArgument, world: WorldOption = None, as_json: JsonOption = False
) -> None:
    """List a party's people, their e-mail addresses masked."""
    from weili.kit.ids import id_text
    from weili.kit.pages import LIMIT_MAX
    from weili.kit.world import in_transaction
    from weili.modules import parties

    with world_opened(world) as opened:
        people = in_transaction(
            opened.begin,
            lambda ctx: (
                parties.person_page(ctx, party_id=party_found(ctx, party).id, limit=LIMIT_MAX).items
            ),
        )
    rows = [
        (id_text(parties.PERSON_PREFIX, one.id), one.name, one.email_masked, str(one.role))
        for one in people
    ]
    if as_json:
        names = "id", "name", "email_masked", "role"
        say.page_document(dict(zip(names, row, strict=True)) for row in rows)
        return
    say.table([("person", "编号"), ("name", "姓名"), ("e-mail", "邮箱"), ("role", "岗位")], rows)


@app.command("invite")
def person_invite(
    party: PartyArgument, email: EmailOption, world: WorldOption = None, as_json: JsonOption = False
) -> None:
    """Make the link by which someone sets their password, once, within seven days."""
    from weili.kit.clock import wall_now
    from weili.kit.world import in_transaction
    from weili.modules import identity, parties

    with world_opened(world) as opened:

        def work(ctx: "Ctx") -> identity.Invitation:
            found = party_found(ctx, party)
            person = parties.person_by_email(ctx, party_id=found.id, email=email)
            return identity.invite(ctx, party_id=found.id, person_id=person.id, now=wall_now())

        made = in_transaction(opened.begin, work)
        link = identity.link_path(opened.name, made.token)
    if as_json:
        say.document({"link": link})
        return
    say.line(
        f"Give {made.person.name} this, with the server's address before it: {link}",
        f"请将以下链接（前面加上服务器地址）交给 {made.person.name}：{link}",
    )


@app.command("password")
def person_password(party: PartyArgument, email: EmailOption, world: WorldOption = None) -> None:
    """Set someone's password, asked for here or read from standard input; their sessions end."""
    from weili.kit.clock import wall_now
    from weili.kit.secrets import password_hash
    from weili.kit.world import in_transaction
    from weili.modules import identity, parties

    password = identity.password_checked(_password_asked(), path="/password", email=email)
    hashed = password_hash(password)
    with world_opened(world) as opened:

        def work(ctx: "Ctx") -> "Person":
            found = party_found(ctx, party)
            person = parties.person_by_email(ctx, party_id=found.id, email=email)
            identity.password_set(
                ctx,
                person_id=person.id,
                hashed=hashed,
                reason="set at the machine",
                now=wall_now(),
            )
            return person

        person = in_transaction(opened.begin, work)
    say.line(f"{person.name} signs in with it from now on.", f"{person.name} 即日起以此密码登录。")


@app.command("clear-factor")
def factor_clear(
    party: PartyArgument,
    email: EmailOption,
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the audit log.")],
    world: WorldOption = None,
) -> None:
    """Remove the second factor of someone who lost both their telephone and their codes."""
    from weili.kit.world import in_transaction
    from weili.modules import identity, parties

    with world_opened(world) as opened:

        def work(ctx: "Ctx") -> "Person":
            found = party_found(ctx, party)
            person = parties.person_by_email(ctx, party_id=found.id, email=email)
            identity.factor_clear(ctx, person_id=person.id, reason=reason)
            return person

        person = in_transaction(opened.begin, work)
    say.line(
        f"{person.name} signs in with the password alone until they set another.",
        f"在重新设置之前，{person.name} 仅凭密码登录。",
    )


def _password_asked() -> str:
    """Ask at the terminal without showing it, or read one line of what is piped in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(
        typer.prompt(say.words("Password", "密码"), hide_input=True, confirmation_prompt=True)
    )
