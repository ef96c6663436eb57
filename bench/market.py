"""The market that the orders are placed in, with as many SKUs and partners as a run asks for.

Ten warehouses of ten suppliers serve the whole country; each holds its own tenth of the SKUs, and
an order's lines come from one of them, so that every order has one child, here and in the
baselines.
"""

import json
import os
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from weili.kit.context import PartyId
from weili.kit.ids import id_text
from weili.kit.world import World
from weili.modules import dropship, goods, inventory, ledger, parties, pricing
from weili.workflows.open_accounts import ground_open

WAREHOUSES: Final = 10
LINES_MAX: Final = 3
QUANTITY_MAX: Final = 3
PLENTY: Final = 1_000_000_000
FREIGHT_MINOR: Final = 800
AREAS: Final = 50
BALANCE_MINOR: Final = ledger.TOP_UP_MINOR_MAX
_CODE_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Market:
    """What a load client must know to place orders."""

    partner_ids: list[str]
    key_ids: list[str]
    secrets: list[str]
    sku_ids: list[str]
    area_codes: list[str]

    def save(self, path: Path) -> None:
        """Write it to a file that only its owner can read: it holds secrets."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)

    @classmethod
    def load(cls, path: Path) -> "Market":
        """Read it back."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def draft(self, dice: random.Random, number: str, *, hot: bool) -> dropship.OrderDraft:
        """Draft an order: 1 to 3 lines from one warehouse, or one piece of the one hot SKU."""
        if hot:
            lines = [dropship.LineDraft(goods.SkuId(UUID(self.sku_ids[0])), 1)]
        else:
            share = len(self.sku_ids) // WAREHOUSES
            first = dice.randrange(WAREHOUSES) * share
            lines = [
                dropship.LineDraft(
                    goods.SkuId(UUID(self.sku_ids[first + dice.randrange(share)])),
                    dice.randint(1, QUANTITY_MAX),
                )
                for _ in range(dice.randint(1, LINES_MAX))
            ]
        recipient = dropship.Recipient(
            "欧阳小美", f"199{dice.randrange(10**8):08d}", "文三路 1 号 2 幢 3 单元 301 室"
        )
        return dropship.OrderDraft(number, dice.choice(self.area_codes), recipient, tuple(lines))

    def body(self, dice: random.Random, number: str, *, hot: bool) -> dict[str, Any]:
        """Write a draft as the API takes it."""
        draft = self.draft(dice, number, hot=hot)
        return {
            "number": draft.number,
            "area_code": draft.area_code,
            "recipient": {
                "name": draft.recipient.name,
                "phone": draft.recipient.phone,
                "address": draft.recipient.address,
            },
            "lines": [
                {"sku_id": id_text(goods.SKU_PREFIX, line.sku_id), "quantity": line.quantity}
                for line in draft.lines
            ],
        }


def market_open(world: World, *, skus: int, partners: int) -> Market:
    """Fill a new world through the modules' front doors."""
    with world.begin() as ctx:
        ground = ground_open(ctx)
        counties = [
            row[0]
            for row in ctx.db.rows(
                "SELECT code FROM regions.region WHERE level = 3 AND until_year IS NULL"
                " ORDER BY code LIMIT %b",
                AREAS,
            )
        ]
        suppliers = [
            parties.party_open(
                ctx,
                kind=parties.PartyKind.SUPPLIER,
                name=f"supplier {i}",
                legal_name=f"supplier {i} Ltd",
                uscc=uscc_made(i),
            ).id
            for i in range(WAREHOUSES)
        ]
        for supplier_id in suppliers:
            ledger.account_open(ctx, kind=ledger.AccountKind.SUPPLIER_PAYABLE, party_id=supplier_id)
    sku_ids = _goods(world, suppliers, ground.price_list.id, skus)
    with world.begin() as ctx:
        pricing.freight_put(ctx, rows=[pricing.FreightRow("000000", FREIGHT_MINOR, None)])
        for start in range(0, skus, _CHUNK):
            goods.pool_put(ctx, pool_id=ground.pool_id, sku_ids=sku_ids[start : start + _CHUNK])
    market = Market([], [], [], [str(sku_id) for sku_id in sku_ids], counties)
    for start in range(0, partners, _CHUNK):
        _partners(world, market, ground.pool_id, range(start, min(start + _CHUNK, partners)))
    return market


def _goods(
    world: World, suppliers: Sequence[PartyId], list_id: pricing.ListId, count: int
) -> list[goods.SkuId]:
    """Open warehouses, and SKUs with prices, costs and stock; those of a warehouse in a row."""
    share = count // WAREHOUSES
    dice = random.Random(1)
    sku_ids: list[goods.SkuId] = []
    for place, supplier_id in enumerate(suppliers):
        with world.begin() as ctx:
            warehouse = inventory.warehouse_open(
                ctx,
                code=f"W{place}",
                supplier_id=supplier_id,
                name=f"warehouse {place}",
                region_code="330106",
            )
            coverage = [inventory.CoverageRow("000000", 1 + place, 2)]
            inventory.coverage_put(ctx, warehouse_id=warehouse.id, rows=coverage)
            rows = [
                goods.GoodsRow(supplier_id, f"S{place}-{i}", f"商品 {place}-{i}", ("商品",))
                for i in range(share)
            ]
            mine = list(goods.goods_put(ctx, rows=rows).sku_ids.values())
            goods.sku_shelve(ctx, sku_ids=mine, state=goods.SkuState.ON_SHELF)
            prices = [pricing.PriceRow(sku_id, 1, dice.randint(500, 20_000)) for sku_id in mine]
            pricing.prices_put(ctx, list_id=list_id, rows=prices)
            costs = [pricing.CostRow(row.sku_id, row.unit_price_minor // 2) for row in prices]
            pricing.costs_put(ctx, rows=costs)
            counts = [
                inventory.StockChange(sku_id, warehouse.id, "first count", on_hand=PLENTY)
                for sku_id in mine
            ]
            inventory.stock_change(ctx, changes=counts)
        sku_ids += mine
    return sku_ids


def _partners(world: World, market: Market, pool: goods.PoolId, numbers: range) -> None:
    """Open partners with money, sight of all goods and a key to sign with."""
    with world.begin() as ctx:
        for i in numbers:
            partner_id = parties.party_open(
                ctx,
                kind=parties.PartyKind.PARTNER,
                name=f"partner {i}",
                legal_name=f"partner {i} Ltd",
                uscc=uscc_made(WAREHOUSES + i),
            ).id
            ledger.account_open(ctx, kind=ledger.AccountKind.PARTNER_PREPAID, party_id=partner_id)
            ledger.top_up(ctx, partner_id=partner_id, amount_minor=BALANCE_MINOR, reference="first")
            goods.pool_grant(ctx, pool_id=pool, partner_id=partner_id)
            key = parties.key_issue(
                ctx,
                party_id=partner_id,
                kind=parties.KeyKind.HMAC,
                scopes=["orders:write"],
                label="bench",
            )
            market.partner_ids.append(str(partner_id))
            market.key_ids.append(key.key.id)
            market.secrets.append(key.secret)


def uscc_made(number: int) -> str:
    """Make a well-formed code of no real company: the check digit of GB 32100-2015."""
    body = f"91330100MA{number:07d}"
    total = sum(_CODE_LETTERS.index(c) * 3**i % 31 for i, c in enumerate(body))
    return body + _CODE_LETTERS[(31 - total % 31) % 31]
