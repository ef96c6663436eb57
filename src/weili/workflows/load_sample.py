"""Fills an empty world with the sample that is shipped: goods, warehouses, partners, keys.

Everything goes through the modules' front doors. It is several transactions; killed between
them, the next start goes on where this one stopped, since each step gives the same when it is
done again. An entry in the audit log, written with the keys, says that it is done.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from weili import sample
from weili.adapters.files import sheet_rows
from weili.kit.clock import wall_now
from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.money import fen_from_yuan, portion_half_up, split_largest_remainder
from weili.kit.problems import NotFound
from weili.kit.secrets import new_token, password_hash
from weili.kit.world import in_transaction
from weili.modules import goods, identity, inventory, ledger, parties, pricing
from weili.workflows.import_goods import import_goods
from weili.workflows.open_accounts import (
    POOL_DEFAULT,
    Ground,
    ground_open,
    open_partner,
    open_supplier,
    parties_of,
    platform_open,
    supplier_ids,
)

OPERATOR_NAME: Final = "微力示例运营"
OPERATOR_LEGAL_NAME: Final = "上海微力示例运营有限公司"
OPERATOR_USCC: Final = "91310000MAYXWPTY05"
VOLUME_LIST: Final = "volume"
TIERS: Final = ((10, 300), (50, 600))
"""The volume list: from how many pieces, and how much off in basis points."""
STOCK_WEIGHTS: Final = (3, 2, 1)
"""How a supplier's stock lies in its warehouses, the first one first."""

STAFF_NAMES: Final[Mapping[parties.PersonRole, str]] = {
    parties.PersonRole.ADMIN: "顾云舟",
    parties.PersonRole.MERCHANDISER: "沈知夏",
    parties.PersonRole.WAREHOUSE: "韩大勇",
    parties.PersonRole.FINANCE: "陆文清",
    parties.PersonRole.SUPPORT: "姜小满",
    parties.PersonRole.OWNER: "白若溪",
    parties.PersonRole.BUYER: "何一舟",
    parties.PersonRole.CLERK: "苏念安",
}
"""Who works in each role for the operator, and for the first supplier and partner of the sample."""
_PASSWORD_LENGTH: Final = 16

_DONE_ACTION: Final = "sample.loaded"
_DONE_SUBJECT: Final = "world"
_KEY_LABEL: Final = "sample"
_PAGE: Final = 200


class SampleState(StrEnum):
    """Whether a world has the sample."""

    EMPTY = "empty"
    BEGUN = "begun"
    DONE = "done"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class SampleKeys:
    """A party of the sample and the keys made for it; the secrets are nowhere else in clear."""

    code: str
    name: str
    party_id: str
    price_list: str | None
    bearer: str = field(repr=False)
    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SampleStaff:
    """Someone of the sample who can sign in."""

    party: str
    kind: str
    role: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class SampleWorld:
    """Everything one needs to try the sample world; one password is everybody's."""

    operator: SampleKeys
    suppliers: Sequence[SampleKeys]
    partners: Sequence[SampleKeys]
    staff: Sequence[SampleStaff]
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _CatalogueRow:
    sku_id: goods.SkuId
    supplier: str
    cost_minor: int
    price_minor: int
    stock: int


def sample_state(ctx: Ctx) -> SampleState:
    """Say whether the world is empty, has the sample in part or whole, or belongs to others."""
    if parties.audit_page(ctx, search=parties.AuditSearch(subject=_DONE_SUBJECT), limit=1).items:
        return SampleState.DONE
    first = parties.party_page(ctx, limit=1).items
    if not first:
        return SampleState.EMPTY
    return SampleState.BEGUN if first[0].uscc == OPERATOR_USCC else SampleState.FOREIGN


def load_sample(
    begin: Begin,
    *,
    keep: Callable[[SampleWorld], None],
    progress: Callable[[str], None] = lambda _: None,
) -> SampleWorld:
    """Load the sample into an empty world, or what is missing of it, and make its keys.

    ``keep`` is given the keys before the transaction that makes them ends: so a world that says
    it is done never lacks them. ``progress`` is told the steps by name.

    Raises: Forbidden; what the steps raise in a world that holds other things of these names.
    """
    progress("platform")
    ground = in_transaction(begin, _platform)
    progress("suppliers")
    warehouses = in_transaction(begin, _suppliers)
    progress("goods")
    _goods(begin, ground, warehouses)
    progress("prices")
    in_transaction(begin, lambda ctx: _prices_and_stock(ctx, warehouses))
    progress("partners")
    in_transaction(begin, _partners)
    progress("keys")
    return renew_keys(begin, keep=keep)


def renew_keys(begin: Begin, *, keep: Callable[[SampleWorld], None]) -> SampleWorld:
    """Make new keys and a new password for everybody in the sample; earlier ones work no more.

    Raises: Forbidden; SandboxOnly.
    """
    password = new_token()[:_PASSWORD_LENGTH]
    hashed = password_hash(password)

    def work(ctx: Ctx) -> SampleWorld:
        kinds = parties.PartyKind
        by_name = {
            (kind, party.name): party
            for kind in (kinds.OPERATOR, kinds.SUPPLIER, kinds.PARTNER)
            for party in parties_of(ctx, kind)
        }
        made = SampleWorld(
            _keys(ctx, "operator", by_name[kinds.OPERATOR, OPERATOR_NAME], None),
            [
                _keys(ctx, row.short_name, by_name[kinds.SUPPLIER, row.short_name], None)
                for row in sample.suppliers()
            ],
            [
                _keys(ctx, row.code, by_name[kinds.PARTNER, row.name], row.price_list)
                for row in sample.partners()
            ],
            [
                one
                for party in (
                    by_name[kinds.OPERATOR, OPERATOR_NAME],
                    by_name[kinds.SUPPLIER, sample.suppliers()[0].short_name],
                    by_name[kinds.PARTNER, sample.partners()[0].name],
                )
                for one in _staff(ctx, party, hashed)
            ],
            password,
        )
        parties.audit_write(
            ctx, action=_DONE_ACTION, subject=_DONE_SUBJECT, reason="keys of the sample"
        )
        keep(made)
        return made

    return in_transaction(begin, work)


def _platform(ctx: Ctx) -> Ground:
    platform_open(ctx, name=OPERATOR_NAME, legal_name=OPERATOR_LEGAL_NAME, uscc=OPERATOR_USCC)
    if pricing.list_by_name(ctx, name=VOLUME_LIST) is None:
        pricing.list_open(ctx, name=VOLUME_LIST)
    pricing.freight_put(
        ctx,
        rows=[
            pricing.FreightRow(rule.region_code, rule.base_fee_fen, rule.free_from_fen)
            for rule in sample.freight_rules()
        ],
    )
    return ground_open(ctx)


def _suppliers(ctx: Ctx) -> dict[PartyId, list[inventory.WarehouseId]]:
    """Open suppliers and their warehouses; give the warehouses in the sample's order."""
    by_name = {}
    for row in sample.suppliers():
        party = open_supplier(ctx, name=row.short_name, legal_name=row.legal_name, uscc=row.uscc)
        by_name[row.short_name] = party.id
    there = {
        (house.supplier_id, house.code): house.id
        for house in inventory.warehouse_page(ctx, limit=_PAGE).items
    }
    warehouses: dict[PartyId, list[inventory.WarehouseId]] = defaultdict(list)
    for house in sample.warehouses():
        supplier_id = by_name[house.supplier]
        warehouse_id = there.get((supplier_id, house.code))
        if warehouse_id is None:
            warehouse_id = inventory.warehouse_open(
                ctx,
                code=house.code,
                supplier_id=supplier_id,
                name=house.name,
                region_code=house.county_code,
            ).id
        inventory.coverage_put(
            ctx,
            warehouse_id=warehouse_id,
            rows=[
                inventory.CoverageRow(area.region_code, area.priority, area.lead_days)
                for area in house.areas
            ],
        )
        warehouses[supplier_id].append(warehouse_id)
    return dict(warehouses)


def _goods(
    begin: Begin,
    ground: Ground,
    warehouses: dict[PartyId, list[inventory.WarehouseId]],
) -> None:
    suppliers = in_transaction(begin, supplier_ids)
    with sample.catalogue_path() as path:
        import_goods(
            begin,
            rows=sheet_rows(path, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED),
            suppliers=suppliers,
            warehouses=warehouses,
            price_list_id=ground.price_list.id,
            pool_id=ground.pool_id,
        )


def _prices_and_stock(ctx: Ctx, warehouses: dict[PartyId, list[inventory.WarehouseId]]) -> None:
    suppliers = supplier_ids(ctx)
    rows = _catalogue(ctx, suppliers)
    volume = pricing.list_by_name(ctx, name=VOLUME_LIST)
    if volume is None:
        raise NotFound(what=pricing.LIST_WORD, id=VOLUME_LIST)
    pricing.prices_put(
        ctx, list_id=volume.id, rows=[price for row in rows for price in tiers_of(row)]
    )
    changes = []
    for row in rows:
        houses = warehouses[suppliers[row.supplier]]
        parts = split_largest_remainder(row.stock, STOCK_WEIGHTS[: len(houses)])
        changes += [
            inventory.StockChange(row.sku_id, house, "sample", on_hand=part)
            for house, part in zip(houses, parts, strict=True)
        ]
    changes.sort(key=lambda change: (change.sku_id, change.warehouse_id))
    inventory.stock_change(ctx, changes=changes)


def tiers_of(row: _CatalogueRow) -> Iterator[pricing.PriceRow]:
    """Say what one piece costs on the volume list: less for more, and never less than the cost.

    The discount is rounded half up, to the partner's good; a tier that would not be cheaper than
    the one before it is left out.
    """
    last_minor = row.price_minor
    yield pricing.PriceRow(row.sku_id, 1, last_minor)
    for quantity_min, off_bps in TIERS:
        off_minor = portion_half_up(row.price_minor, off_bps)
        price_minor = max(row.price_minor - off_minor, row.cost_minor)
        if price_minor < last_minor:
            last_minor = price_minor
            yield pricing.PriceRow(row.sku_id, quantity_min, price_minor)


def _catalogue(ctx: Ctx, suppliers: dict[str, PartyId]) -> list[_CatalogueRow]:
    """Read the catalogue again, with the ids that its rows got."""
    ids: dict[tuple[PartyId, str], goods.SkuId] = {}
    cursor: str | None = None
    while True:
        page = goods.sku_page(ctx, partner_id=None, cursor=cursor, limit=_PAGE)
        ids |= {(sku.supplier_id, sku.supplier_code): sku.id for sku in page.items}
        cursor = page.next_cursor
        if cursor is None:
            break
    with sample.catalogue_path() as path:
        return [
            _CatalogueRow(
                ids[suppliers[row["supplier"]], row["supplier_code"]],
                row["supplier"],
                fen_from_yuan(row["cost"]),
                fen_from_yuan(row["price"]),
                int(row["stock"]),
            )
            for _, row in sheet_rows(
                path, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED
            )
        ]


def _partners(ctx: Ctx) -> None:
    for row in sample.partners():
        party = open_partner(
            ctx,
            name=row.name,
            legal_name=row.legal_name,
            uscc=row.uscc,
            price_list=row.price_list if row.price_list == VOLUME_LIST else None,
            pools=(POOL_DEFAULT,),
        )
        ledger.top_up(
            ctx,
            partner_id=party.id,
            amount_minor=row.opening_balance_fen,
            reference=f"sample opening balance {row.code}",
        )


def _keys(ctx: Ctx, code: str, party: parties.Party, price_list: str | None) -> SampleKeys:
    for key in parties.key_page(ctx, party_id=party.id, limit=_PAGE).items:
        if key.label == _KEY_LABEL and key.revoked_at is None:
            parties.key_revoke(ctx, key_id=key.id, reason="new keys of the sample")
    scopes = parties.KEY_SCOPES[party.kind]
    bearer, signing = (
        parties.key_issue(ctx, party_id=party.id, kind=kind, scopes=scopes, label=_KEY_LABEL)
        for kind in (parties.KeyKind.BEARER, parties.KeyKind.HMAC)
    )
    return SampleKeys(
        code=code,
        name=party.name,
        party_id=id_text(parties.PARTY_PREFIX, party.id),
        price_list=price_list,
        bearer=bearer.secret,
        key_id=signing.key.id,
        secret=signing.secret,
    )


def _staff(ctx: Ctx, party: parties.Party, hashed: str) -> Iterator[SampleStaff]:
    """Let one person for each role of a party sign in."""
    for role in sorted(parties.PERSON_ROLES[party.kind]):
        email = f"{role}@{party.kind}.example"
        try:
            person = parties.person_by_email(ctx, party_id=party.id, email=email)
        except NotFound:
            person = parties.person_add(
                ctx, party_id=party.id, name=STAFF_NAMES[role], email=email, role=role
            )
        identity.password_set(
            ctx, person_id=person.id, hashed=hashed, reason="staff of the sample", now=wall_now()
        )
        yield SampleStaff(party.name, str(party.kind), str(role), person.name, email)
