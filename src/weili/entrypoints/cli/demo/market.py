"""Opens the market that the demo trades in: suppliers, warehouses, goods, partners, keys."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from weili import sample
from weili.adapters.files import litemall, sheet_rows
from weili.adapters.suppliers.platform_api import Credentials
from weili.kit.context import SYSTEM_PARTY, Begin, Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.money import portion_half_up
from weili.kit.secrets import new_token
from weili.kit.world import in_transaction
from weili.modules import goods, inventory, parties, pricing
from weili.workflows.import_goods import Row, import_goods
from weili.workflows.load_sample import OPERATOR_LEGAL_NAME, OPERATOR_NAME, OPERATOR_USCC
from weili.workflows.open_accounts import (
    POOL_DEFAULT,
    Ground,
    ground_open,
    open_partner,
    open_supplier,
    platform_open,
)

PARTNERS: Final = 20
VOLUME_LIST: Final = "volume"
VOLUME_FROM: Final = 10
VOLUME_OFF_BPS: Final = 300
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Trader:
    """A party with its key, as the demo's programs know it."""

    name: str
    party_id: str
    credentials: Credentials = field(repr=False)


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier, its warehouses, and the secret that it is asked with."""

    trader: Trader
    warehouse_ids: Sequence[str]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Item:
    """An SKU of the catalogue."""

    sku_id: str
    title: str
    supplier: str
    price_minor: int
    stock: int


@dataclass(frozen=True, slots=True)
class Market:
    """All that trade in the demo, and what they trade in."""

    operator: Trader
    cashier: Trader
    """The operator's second person: its key was issued at the machine, as the first one's was."""
    suppliers: Mapping[str, Supplier]
    partners: Sequence[Trader]
    items: Sequence[Item]
    standard_list_id: str
    catalogue: str
    warehouses: int


def market_open(begin: Begin, *, catalogue: Path | None) -> Market:
    """Open the market in an empty world.

    Raises: what reading the catalogue raises; ImportRefused, when rows of it are wrong.
    """
    ground, operator, cashier = in_transaction(begin, _platform)
    suppliers, warehouses = in_transaction(begin, _suppliers)
    name = _import(begin, catalogue, ground, suppliers, warehouses)
    items = in_transaction(begin, lambda ctx: _items(ctx, suppliers))
    partners = in_transaction(begin, _partners)
    traders = in_transaction(begin, lambda ctx: _supplier_traders(ctx, suppliers, warehouses))
    return Market(
        operator=operator,
        cashier=cashier,
        suppliers=traders,
        partners=partners,
        items=items,
        standard_list_id=id_text(pricing.LIST_PREFIX, ground.price_list.id),
        catalogue=name,
        warehouses=sum(len(supplier.warehouse_ids) for supplier in traders.values()),
    )


def served_areas(supplier: str) -> frozenset[str]:
    """Give the codes of the regions that a supplier's warehouses serve."""
    return frozenset(
        area.region_code
        for house in sample.warehouses()
        if house.supplier == supplier
        for area in house.areas
    )


def _platform(ctx: Ctx) -> tuple[Ground, Trader, Trader]:
    operator = platform_open(
        ctx, name=OPERATOR_NAME, legal_name=OPERATOR_LEGAL_NAME, uscc=OPERATOR_USCC
    )
    pricing.freight_put(
        ctx,
        rows=[
            pricing.FreightRow(rule.region_code, rule.base_fee_fen, rule.free_from_fen)
            for rule in sample.freight_rules()
        ],
    )
    cashier = _trader(ctx, operator, scopes={"admin:money"})
    return ground_open(ctx), _trader(ctx, operator), cashier


def _suppliers(
    ctx: Ctx,
) -> tuple[dict[str, PartyId], dict[PartyId, list[inventory.WarehouseId]]]:
    suppliers = {
        row.short_name: open_supplier(
            ctx, name=row.short_name, legal_name=row.legal_name, uscc=row.uscc
        ).id
        for row in sample.suppliers()
    }
    warehouses: dict[PartyId, list[inventory.WarehouseId]] = defaultdict(list)
    for house in sample.warehouses():
        opened = inventory.warehouse_open(
            ctx,
            code=house.code,
            supplier_id=suppliers[house.supplier],
            name=house.name,
            region_code=house.county_code,
        )
        rows = [
            inventory.CoverageRow(area.region_code, area.priority, area.lead_days)
            for area in house.areas
        ]
        inventory.coverage_put(ctx, warehouse_id=opened.id, rows=rows)
        warehouses[suppliers[house.supplier]].append(opened.id)
    return suppliers, warehouses


def _import(
    begin: Begin,
    catalogue: Path | None,
    ground: Ground,
    suppliers: Mapping[str, PartyId],
    warehouses: Mapping[PartyId, Sequence[inventory.WarehouseId]],
) -> str:
    with _rows(catalogue, list(suppliers)) as (name, rows):
        import_goods(
            begin,
            rows=rows,
            suppliers=suppliers,
            warehouses=warehouses,
            price_list_id=ground.price_list.id,
            pool_id=ground.pool_id,
            default_supplier=next(iter(suppliers.values())),
        )
    return name


@contextmanager
def _rows(catalogue: Path | None, suppliers: Sequence[str]) -> Iterator[tuple[str, Iterator[Row]]]:
    """Read the rows of a sheet, of a folder that litemall exported, or of our own catalogue."""
    if catalogue is not None and catalogue.is_dir():
        yield catalogue.name, litemall.rows_of(catalogue, suppliers=suppliers)
        return
    with sample.catalogue_path() as shipped:
        path = catalogue or shipped
        rows = sheet_rows(path, aliases=goods.SHEET_ALIASES, required=goods.SHEET_REQUIRED)
        yield path.name, iter(rows) if catalogue is None else _spread(rows, suppliers)


def _spread(
    rows: Iterable[tuple[int, dict[str, str]]], suppliers: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Give each supplier that a stranger's sheet names one of ours, in turn."""
    ours: dict[str, str] = {name: name for name in suppliers}
    for number, row in rows:
        named = row.get("supplier", "")
        ours.setdefault(named, suppliers[len(ours) % len(suppliers)])
        yield number, row | {"supplier": ours[named]}


def _items(ctx: Ctx, suppliers: Mapping[str, PartyId]) -> list[Item]:
    """Read the catalogue as it was imported, and put the volume prices on their list."""
    names = {party_id: name for name, party_id in suppliers.items()}
    skus: list[goods.Sku] = []
    cursor: str | None = None
    while True:
        page = goods.sku_page(ctx, partner_id=None, cursor=cursor, limit=_PAGE)
        skus += page.items
        if (cursor := page.next_cursor) is None:
            break
    sku_ids = [sku.id for sku in skus]
    on_hand: dict[goods.SkuId, int] = defaultdict(int)
    for level in inventory.stock_of(ctx, sku_ids=sku_ids):
        on_hand[level.sku_id] += level.on_hand
    book = pricing.price_book(ctx, partner_ids=[], sku_ids=sku_ids)
    items, volume_rows = [], []
    for sku in skus:
        price = book.unit_price(SYSTEM_PARTY, sku.id, 1)
        cost_minor = book.unit_cost_minor(sku.id)
        if price is None or cost_minor is None:
            continue
        unit_price_minor = price.unit_price_minor
        off_minor = portion_half_up(unit_price_minor, VOLUME_OFF_BPS)
        volume_rows.append(
            pricing.PriceRow(sku.id, VOLUME_FROM, max(unit_price_minor - off_minor, cost_minor))
        )
        sku_id = id_text(goods.SKU_PREFIX, sku.id)
        supplier = names[sku.supplier_id]
        items.append(Item(sku_id, sku.title, supplier, unit_price_minor, on_hand[sku.id]))
    volume = pricing.list_open(ctx, name=VOLUME_LIST)
    pricing.prices_put(ctx, list_id=volume.id, rows=volume_rows)
    return items


def _partners(ctx: Ctx) -> list[Trader]:
    return [
        _trader(
            ctx,
            open_partner(
                ctx,
                name=row.name,
                legal_name=row.legal_name,
                uscc=row.uscc,
                price_list=VOLUME_LIST if row.price_list == VOLUME_LIST else None,
                pools=(POOL_DEFAULT,),
            ),
        )
        for row in sample.partners()[:PARTNERS]
    ]


def _supplier_traders(
    ctx: Ctx,
    suppliers: Mapping[str, PartyId],
    warehouses: Mapping[PartyId, Sequence[inventory.WarehouseId]],
) -> dict[str, Supplier]:
    found = parties.parties_get(ctx, party_ids=list(suppliers.values()))
    return {
        name: Supplier(
            trader=_trader(ctx, found[party_id]),
            warehouse_ids=[
                id_text(inventory.WAREHOUSE_PREFIX, one) for one in warehouses[party_id]
            ],
            secret=new_token(),
        )
        for name, party_id in suppliers.items()
    }


def _trader(ctx: Ctx, party: parties.Party, scopes: Collection[str] = ()) -> Trader:
    issued = parties.key_issue(
        ctx,
        party_id=party.id,
        kind=parties.KeyKind.HMAC,
        scopes=scopes or parties.KEY_SCOPES[party.kind],
        label="demo",
    )
    return Trader(
        party.name,
        id_text(parties.PARTY_PREFIX, party.id),
        Credentials(issued.key.id, issued.secret),
    )
