"""Opens the platform, and the parties that trade on it, each with the accounts it needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.pages import LIMIT_MAX
from weili.kit.problems import NotFound
from weili.modules import goods, ledger, parties, pricing, regions

LIST_DEFAULT: Final = "standard"
POOL_DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Ground:
    """What every world has one of."""

    price_list: pricing.PriceList
    pool_id: goods.PoolId


def ground_open(ctx: Ctx) -> Ground:
    """Open what a world needs before anybody trades: regions, accounts, default list and pool.

    Doing it again changes nothing and gives what is there.

    Raises: Forbidden.
    """
    ctx.require("admin:world")
    regions.regions_seed(ctx)
    ledger.platform_accounts_open(ctx)
    price_list = pricing.list_by_name(ctx, name=LIST_DEFAULT) or pricing.list_open(
        ctx, name=LIST_DEFAULT, is_default=True
    )
    pool = goods.pool_by_name(ctx, name=POOL_DEFAULT)
    pool_id = goods.pool_open(ctx, name=POOL_DEFAULT) if pool is None else pool.id
    return Ground(price_list, pool_id)


def platform_open(ctx: Ctx, *, name: str, legal_name: str, uscc: str) -> parties.Party:
    """Open the operator's party, and the ground if it is not there yet.

    An operator of that name is taken as it is.

    Raises: Forbidden; InputInvalid; UsccInvalid; PartyExists.
    """
    ground_open(ctx)
    return _party(ctx, parties.PartyKind.OPERATOR, name, legal_name, uscc)


def open_partner(
    ctx: Ctx,
    *,
    name: str,
    legal_name: str,
    uscc: str,
    price_list: str | None = None,
    pools: Sequence[str] = (POOL_DEFAULT,),
) -> parties.Party:
    """Open a partner with a prepaid account, a price list and the pools it may order from.

    Without a price list it pays what the default list says. A partner of that name is taken as
    it is, and given what it lacks.

    Raises: Forbidden; InputInvalid; UsccInvalid; PartyExists; NotFound (no such list or pool).
    """
    party = _party(ctx, parties.PartyKind.PARTNER, name, legal_name, uscc)
    ledger.account_open(ctx, kind=ledger.AccountKind.PARTNER_PREPAID, party_id=party.id)
    if price_list is not None:
        found = pricing.list_by_name(ctx, name=price_list)
        if found is None:
            raise NotFound(what=pricing.LIST_WORD, id=price_list)
        pricing.list_assign(ctx, partner_id=party.id, list_id=found.id)
    for pool_name in pools:
        pool = goods.pool_by_name(ctx, name=pool_name)
        if pool is None:
            raise NotFound(what=goods.POOL_WORD, id=pool_name)
        goods.pool_grant(ctx, pool_id=pool.id, partner_id=party.id)
    return party


def open_supplier(ctx: Ctx, *, name: str, legal_name: str, uscc: str) -> parties.Party:
    """Open a supplier with the account of what it is owed.

    A supplier of that name is taken as it is.

    Raises: Forbidden; InputInvalid; UsccInvalid; PartyExists.
    """
    party = _party(ctx, parties.PartyKind.SUPPLIER, name, legal_name, uscc)
    ledger.account_open(ctx, kind=ledger.AccountKind.SUPPLIER_PAYABLE, party_id=party.id)
    return party


def supplier_ids(ctx: Ctx) -> dict[str, PartyId]:
    """Give the suppliers by their names, as sheets of goods refer to them."""
    return {party.name: party.id for party in parties_of(ctx, parties.PartyKind.SUPPLIER)}


def parties_of(ctx: Ctx, kind: parties.PartyKind) -> Iterator[parties.Party]:
    """Give every party of a kind, page by page.

    Raises: Forbidden.
    """
    cursor: str | None = None
    while True:
        page = parties.party_page(ctx, kind=kind, cursor=cursor, limit=LIMIT_MAX)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _party(
    ctx: Ctx, kind: parties.PartyKind, name: str, legal_name: str, uscc: str
) -> parties.Party:
    try:
        party = parties.party_by_name(ctx, kind=kind, name=name)
    except NotFound:
        return parties.party_open(ctx, kind=kind, name=name, legal_name=legal_name, uscc=uscc)
    if party.uscc != uscc.strip().upper():
        raise parties.PartyExists(party_kind=parties.KIND_WORDS[kind], same=parties.NAME_WORD)
    return party
