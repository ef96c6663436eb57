"""``weili operator``, ``weili partner`` and ``weili supplier``: who takes part."""

from typing import TYPE_CHECKING, Annotated

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import JsonOption, WorldOption, world_opened

if TYPE_CHECKING:
    from weili.kit.context import Ctx
    from weili.kit.world import World
    from weili.modules.ledger import AccountKind
    from weili.modules.parties import Party, PartyKind

operators = typer.Typer(help="The operator's own party.", no_args_is_help=True)
partners = typer.Typer(help="Partners: who sells our goods.", no_args_is_help=True)
suppliers = typer.Typer(help="Suppliers: whose goods are sold.", no_args_is_help=True)

NameOption = Annotated[str, typer.Option("--name", help="What it is called here.")]
LegalNameOption = Annotated[str, typer.Option("--legal-name", help="As on the licence.")]
UsccOption = Annotated[str, typer.Option("--uscc", help="Unified social credit code.")]
NameArgument = Annotated[str, typer.Argument(help="The party's name.")]


@operators.command("open")
def operator_open(
    name: NameOption,
    legal_name: LegalNameOption,
    uscc: UsccOption,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open the operator's party; one of that name is taken as it is."""
    from weili.kit.world import in_transaction
    from weili.workflows.open_accounts import platform_open

    with world_opened(world) as opened:
        party = in_transaction(
            opened.begin,
            lambda ctx: platform_open(ctx, name=name, legal_name=legal_name, uscc=uscc),
        )
    _party_say(party, as_json)


@partners.command("open")
def partner_open(  # noqa: PLR0917 - typer passes options by name
    name: NameOption,
    legal_name: LegalNameOption,
    uscc: UsccOption,
    price_list: Annotated[
        str | None, typer.Option("--price-list", help="Its own price list, if it has one.")
    ] = None,
    pool: Annotated[
        list[str] | None, typer.Option("--pool", help="A pool it may order from; may be repeated.")
    ] = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a partner with a prepaid account; one of that name is given what it lacks."""
    from weili.kit.world import in_transaction
    from weili.workflows.open_accounts import POOL_DEFAULT, open_partner

    with world_opened(world) as opened:
        party = in_transaction(
            opened.begin,
            lambda ctx: open_partner(
                ctx,
                name=name,
                legal_name=legal_name,
                uscc=uscc,
                price_list=price_list,
                pools=pool or [POOL_DEFAULT],
            ),
        )
    _party_say(party, as_json)


@partners.command("list")
def partner_list(world: WorldOption = None, as_json: JsonOption = False) -> None:
    """List partners with what they have in their prepaid accounts, in yuan."""
    from weili.modules.ledger import AccountKind
    from weili.modules.parties import PartyKind

    with world_opened(world) as opened:
        _list_say(opened, PartyKind.PARTNER, AccountKind.PARTNER_PREPAID, as_json)


@partners.command("top-up")
def partner_top_up(
    name: NameArgument,
    amount: Annotated[str, typer.Argument(help="In yuan, with at most two decimals: 5000.00")],
    reference: Annotated[
        str,
        typer.Option("--reference", help="The bank's reference; the same one counts once."),
    ],
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Book a payment into a partner's prepaid account."""
    from weili.kit.money import fen_from_yuan, yuan_from_fen
    from weili.kit.world import in_transaction
    from weili.modules import ledger, parties

    try:
        amount_minor = fen_from_yuan(amount)
    except ValueError:
        raise typer.BadParameter("an amount in yuan with at most two decimals") from None
    with world_opened(world) as opened:

        def work(ctx: "Ctx") -> tuple[ledger.TopUp, ledger.Balance]:
            kind = parties.PartyKind.PARTNER
            party = parties.party_by_name(ctx, kind=kind, name=name)
            made = ledger.top_up(
                ctx, partner_id=party.id, amount_minor=amount_minor, reference=reference
            )
            account = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, party.id)
            return made, ledger.balances_read(ctx, account_ids=[account])[account]

        made, balance = in_transaction(opened.begin, work)
    if as_json:
        say.document(
            {
                "partner": name,
                "amount_minor": amount_minor,
                "reference": reference,
                "replayed": made.is_replay,
                "available_minor": balance.available_minor,
            }
        )
        return
    available = yuan_from_fen(balance.available_minor)
    if made.is_replay:
        say.line(
            f"{reference} was booked before; nothing changed. {name} has {available} yuan.",
            f"{reference} 此前已入账，未重复记账。{name} 可用余额 {available} 元。",
        )
    else:
        say.line(f"{name} now has {available} yuan.", f"{name} 可用余额 {available} 元。")


@suppliers.command("open")
def supplier_open(
    name: NameOption,
    legal_name: LegalNameOption,
    uscc: UsccOption,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a supplier; one of that name is taken as it is."""
    from weili.kit.world import in_transaction
    from weili.workflows.open_accounts import open_supplier

    with world_opened(world) as opened:
        party = in_transaction(
            opened.begin,
            lambda ctx: open_supplier(ctx, name=name, legal_name=legal_name, uscc=uscc),
        )
    _party_say(party, as_json)


@suppliers.command("list")
def supplier_list(world: WorldOption = None, as_json: JsonOption = False) -> None:
    """List suppliers with what they are owed, in yuan."""
    from weili.modules.ledger import AccountKind
    from weili.modules.parties import PartyKind

    with world_opened(world) as opened:
        _list_say(opened, PartyKind.SUPPLIER, AccountKind.SUPPLIER_PAYABLE, as_json)


@suppliers.command("connect")
def supplier_connect(
    name: NameArgument,
    url: Annotated[str, typer.Argument(help="Where the supplier's own system takes orders.")],
    secret: Annotated[
        str,
        typer.Option(
            "--secret",
            prompt=True,
            hide_input=True,
            envvar="WEILI_SUPPLIER_SECRET",
            help="What requests to it are signed with.",
        ),
    ],
    world: WorldOption = None,
) -> None:
    """Say where a supplier's own system is; from then on orders are sent there."""
    from weili.kit.world import in_transaction
    from weili.modules import dropship, parties

    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter("a URL that begins with http:// or https://")
    with world_opened(world) as opened:

        def work(ctx: "Ctx") -> None:
            kind = parties.PartyKind.SUPPLIER
            party = parties.party_by_name(ctx, kind=kind, name=name)
            dropship.connection_put(ctx, supplier_id=party.id, base_url=url, secret=secret)
            parties.audit_write(ctx, action="supplier.connect", subject=name, reason=url)

        in_transaction(opened.begin, work)
    say.line(f"Orders of {name} go to {url} now.", f"{name} 的订单将发往 {url}。")


def _party_say(party: "Party", as_json: bool) -> None:
    from weili.kit.ids import id_text
    from weili.modules.parties import PARTY_PREFIX

    party_id = id_text(PARTY_PREFIX, party.id)
    if as_json:
        say.document({"id": party_id, "name": party.name, "uscc": party.uscc})
    else:
        say.line(f"{party.name}: {party_id}", f"{party.name}：{party_id}")


def _list_say(
    world: "World", kind: "PartyKind", account_kind: "AccountKind", as_json: bool
) -> None:
    from weili.kit.ids import id_text
    from weili.kit.money import yuan_from_fen
    from weili.kit.world import in_transaction
    from weili.modules import ledger
    from weili.modules.parties import PARTY_PREFIX
    from weili.workflows.open_accounts import parties_of

    def work(ctx: "Ctx") -> list[tuple["Party", int]]:
        found = list(parties_of(ctx, kind))
        accounts = [ledger.account_id(account_kind, party.id) for party in found]
        balances = ledger.balances_read(ctx, account_ids=accounts)
        return [
            (party, balances[account].available_minor if account in balances else 0)
            for party, account in zip(found, accounts, strict=True)
        ]

    rows = in_transaction(world.begin, work)
    if as_json:
        say.page_document(
            {
                "id": id_text(PARTY_PREFIX, party.id),
                "name": party.name,
                "uscc": party.uscc,
                "state": str(party.state),
                "available_minor": amount,
            }
            for party, amount in rows
        )
        return
    say.table(
        [("name", "名称"), ("id", "编号"), ("state", "状态"), ("yuan", "金额（元）")],
        [
            (party.name, id_text(PARTY_PREFIX, party.id), party.state, yuan_from_fen(amount))
            for party, amount in rows
        ],
    )
