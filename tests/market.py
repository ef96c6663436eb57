"""A small market to trade in: two suppliers, three warehouses, two partners, four SKUs.

Everything is opened through the modules' front doors, in a world of the test's own, so that each
story begins with exact numbers.
"""

from dataclasses import dataclass

from weili.kit.context import SYSTEM, Actor, Ctx, PartyId
from weili.kit.world import World
from weili.modules import dropship, goods, inventory, ledger, parties, pricing, regions

XIHU = "330106"
"""Hangzhou's Xihu district, in Zhejiang: served by the near and the far warehouse."""
HEXI = "120103"
"""Tianjin's Hexi district: served by the far warehouse and the farm."""
LHASA = "540102"
"""Served by nobody."""

TEA_FEN, TEA_COST_FEN = 4_500, 3_000
RICE_FEN, RICE_COST_FEN = 6_990, 5_200
CUP_FEN, CUP_TIER_FEN, CUP_COST_FEN = 1_290, 1_150, 800
EGGS_FEN, EGGS_COST_FEN = 2_500, 2_000
FREIGHT_FEN, FREE_FROM_FEN = 800, 9_900
NORTH_FREIGHT_FEN = 1_301
"""To Tianjin, however much is bought."""
BALANCE_FEN = 1_000_000


@dataclass(frozen=True, slots=True)
class Market:
    """The ids of everything in the market."""

    world: World
    grocer: PartyId
    farm: PartyId
    near: inventory.WarehouseId
    far: inventory.WarehouseId
    barn: inventory.WarehouseId
    street: PartyId
    creator: PartyId
    tea: goods.SkuId
    rice: goods.SkuId
    cup: goods.SkuId
    eggs: goods.SkuId
    hidden: goods.SkuId
    price_list: pricing.ListId

    def as_partner(self, partner_id: PartyId | None = None) -> Actor:
        """Act for a partner (the street community unless another is named)."""
        partner_id = partner_id or self.street
        scopes = parties.ROLE_SCOPES[parties.PartyKind.PARTNER]
        return Actor("partner", partner_id, "key_test", scopes)

    def as_supplier(self, supplier_id: PartyId | None = None) -> Actor:
        """Act for a supplier (the grocer unless another is named)."""
        scopes = parties.ROLE_SCOPES[parties.PartyKind.SUPPLIER]
        return Actor("supplier", supplier_id or self.grocer, "key_test", scopes)

    def draft(
        self,
        number: str,
        *lines: tuple[goods.SkuId, int],
        area_code: str = XIHU,
        hold: bool = False,
        prices: tuple[int, ...] = (),
    ) -> dropship.OrderDraft:
        """Draft an order; ``prices`` are what the partner believes the lines cost a piece."""
        believed: list[int | None] = [*prices, *[None] * len(lines)]
        return dropship.OrderDraft(
            number=number,
            area_code=area_code,
            recipient=dropship.Recipient("欧阳小美", "19912345678", "文三路 1 号 2 幢 301 室"),
            lines=tuple(
                dropship.LineDraft(sku_id, quantity, believed[i])
                for i, (sku_id, quantity) in enumerate(lines)
            ),
            hold=hold,
        )

    def command(
        self, draft: dropship.OrderDraft, partner_id: PartyId | None = None
    ) -> dropship.PlaceOrder:
        """Make the command that places a draft for a partner."""
        return dropship.PlaceOrder(partner_id or self.street, draft, dropship.digest(draft))

    def stock(self, sku_id: goods.SkuId, warehouse_id: inventory.WarehouseId) -> tuple[int, int]:
        """Read (on hand, reserved) of a place."""
        with self.world.begin() as ctx:
            for level in inventory.stock_of(ctx, sku_ids=[sku_id]):
                if level.warehouse_id == warehouse_id:
                    return level.on_hand, level.reserved
        return 0, 0

    def balance(self, partner_id: PartyId | None = None) -> tuple[int, int]:
        """Read (posted, held) of a partner's prepaid account, in fen."""
        account = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, partner_id or self.street)
        with self.world.begin() as ctx:
            balance = ledger.balances_read(ctx, account_ids=[account])[account]
        return balance.posted_minor, balance.held_minor

    def owed(self, supplier_id: PartyId | None = None) -> int:
        """Read what a supplier is owed, in fen."""
        account = ledger.account_id(ledger.AccountKind.SUPPLIER_PAYABLE, supplier_id or self.grocer)
        with self.world.begin() as ctx:
            return ledger.balances_read(ctx, account_ids=[account])[account].posted_minor


def market_open(world: World) -> Market:
    """Open the market in an empty world."""
    with world.begin(SYSTEM) as ctx:
        return market_open_in(ctx, world)


def market_open_in(ctx: Ctx, world: World) -> Market:
    """Open the market inside a transaction of an empty world."""
    regions.regions_seed(ctx)
    ledger.platform_accounts_open(ctx)
    grocer = _party(ctx, parties.PartyKind.SUPPLIER, "grocer", _uscc(1))
    farm = _party(ctx, parties.PartyKind.SUPPLIER, "farm", _uscc(2))
    street = _party(ctx, parties.PartyKind.PARTNER, "street", _uscc(3))
    creator = _party(ctx, parties.PartyKind.PARTNER, "creator", _uscc(4))
    skus = _goods(ctx, grocer, farm)
    near = _warehouse(ctx, "NEAR", grocer, XIHU, {"330000": (1, 1)})
    far = _warehouse(ctx, "FAR", grocer, HEXI, {"330000": (2, 3), "120000": (1, 1)})
    barn = _warehouse(ctx, "BARN", farm, HEXI, {"330000": (3, 2), "120000": (2, 2)})
    price_list = pricing.list_open(ctx, name="standard", is_default=True)
    _prices(ctx, price_list.id, skus)
    pool = goods.pool_open(ctx, name="everyday")
    goods.pool_put(ctx, pool_id=pool, sku_ids=[skus[c] for c in ("tea", "rice", "cup", "eggs")])
    for partner in (street, creator):
        goods.pool_grant(ctx, pool_id=pool, partner_id=partner)
        ledger.top_up(
            ctx, partner_id=partner, amount_minor=BALANCE_FEN, reference=f"first {partner}"
        )
    inventory.stock_change(
        ctx,
        changes=[
            inventory.StockChange(skus[code], warehouse, "first count", on_hand=count)
            for code, warehouse, count in (
                ("tea", near, 100),
                ("tea", far, 50),
                ("rice", far, 40),
                ("cup", near, 10),
                ("cup", far, 10),
                ("eggs", barn, 30),
            )
        ],
    )
    return Market(
        world=world,
        grocer=grocer,
        farm=farm,
        near=near,
        far=far,
        barn=barn,
        street=street,
        creator=creator,
        tea=skus["tea"],
        rice=skus["rice"],
        cup=skus["cup"],
        eggs=skus["eggs"],
        hidden=skus["hidden"],
        price_list=price_list.id,
    )


def _party(ctx: Ctx, kind: parties.PartyKind, name: str, uscc: str) -> PartyId:
    party = parties.party_open(ctx, kind=kind, name=name, legal_name=f"{name} Ltd", uscc=uscc)
    account = (
        ledger.AccountKind.SUPPLIER_PAYABLE
        if kind is parties.PartyKind.SUPPLIER
        else ledger.AccountKind.PARTNER_PREPAID
    )
    ledger.account_open(ctx, kind=account, party_id=party.id)
    return party.id


def _goods(ctx: Ctx, grocer: PartyId, farm: PartyId) -> dict[str, goods.SkuId]:
    rows = [
        goods.GoodsRow(grocer, "tea", "明前龙井 250g 罐装", ("食品", "茶", "绿茶"), brand="溪山"),
        goods.GoodsRow(grocer, "rice", "五常大米 5kg", ("食品", "粮油", "大米"), tax_rate_bps=900),
        goods.GoodsRow(grocer, "cup", "白瓷马克杯 350ml", ("家居", "餐厨", "杯具")),
        goods.GoodsRow(
            farm,
            "eggs",
            "散养土鸡蛋 30 枚",
            ("食品", "生鲜", "蛋类"),
            return_policy=goods.ReturnPolicy.NO_RETURN_PERISHABLE,
            tax_rate_bps=900,
        ),
        goods.GoodsRow(grocer, "hidden", "未授权商品", ("家居", "餐厨", "杯具")),
    ]
    put = goods.goods_put(ctx, rows=rows)
    skus = {code: sku_id for (_, code), sku_id in put.sku_ids.items()}
    goods.sku_shelve(ctx, sku_ids=list(skus.values()), state=goods.SkuState.ON_SHELF)
    return skus


def _prices(ctx: Ctx, list_id: pricing.ListId, skus: dict[str, goods.SkuId]) -> None:
    tiers = (
        ("tea", 1, TEA_FEN),
        ("rice", 1, RICE_FEN),
        ("cup", 1, CUP_FEN),
        ("cup", 5, CUP_TIER_FEN),
        ("eggs", 1, EGGS_FEN),
        ("hidden", 1, CUP_FEN),
    )
    costs = (
        ("tea", TEA_COST_FEN),
        ("rice", RICE_COST_FEN),
        ("cup", CUP_COST_FEN),
        ("eggs", EGGS_COST_FEN),
        ("hidden", CUP_COST_FEN),
    )
    pricing.prices_put(
        ctx, list_id=list_id, rows=[pricing.PriceRow(skus[code], n, p) for code, n, p in tiers]
    )
    pricing.costs_put(ctx, rows=[pricing.CostRow(skus[code], cost) for code, cost in costs])
    pricing.freight_put(
        ctx,
        rows=[
            pricing.FreightRow("000000", FREIGHT_FEN, FREE_FROM_FEN),
            pricing.FreightRow("120000", NORTH_FREIGHT_FEN, None),
        ],
    )


def _warehouse(
    ctx: Ctx, code: str, supplier_id: PartyId, region: str, serves: dict[str, tuple[int, int]]
) -> inventory.WarehouseId:
    warehouse = inventory.warehouse_open(
        ctx, code=code, supplier_id=supplier_id, name=code, region_code=region
    )
    rows = [inventory.CoverageRow(area, p, lead) for area, (p, lead) in serves.items()]
    inventory.coverage_put(ctx, warehouse_id=warehouse.id, rows=rows)
    return warehouse.id


def _uscc(number: int) -> str:
    """Make a well-formed code of no real company: the check digit of GB 32100-2015."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91330100MA2AA{number:04d}"
    total = sum(letters.index(c) * 3**i % 31 for i, c in enumerate(body))
    return body + letters[(31 - total % 31) % 31]
