"""A world of as many SKUs as a run asks for, written set-wise.

Made-up rows go by COPY into a staging table and from there into the modules' own tables, in the
shape that their verbs give them: sixteen verbs for each SKU would take an hour for a million. What
no look-up reads is left out (histories, costs, movements), so such a world is for reading only.
Foreign keys are not checked meanwhile: all rows come from the same staging table.
"""

import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from bench import ours
from bench.catalogue_load import COMMON, Shelf
from bench.market import uscc_made
from weili.kit.context import Ctx
from weili.kit.ids import id_text, new_id
from weili.kit.world import World
from weili.modules import goods, inventory, parties, pricing
from weili.workflows.open_accounts import ground_open

QUERIES: Final = ours.CHECKOUT.parent / "shared/data/cn_shop_queries/train.query.txt"
SKUS_PER_SPU: Final = 3
BRANDS: Final = 2_000
BRANCHES: Final = 10
"""Categories below each category, and roots."""
AREAS: Final = 50
QUERIES_MAX: Final = 20_000
SHELF_SKUS: Final = 20_000
COMMON_SHARE: Final = 0.2
_WORD_LENGTHS: Final = range(2, 9)
_MADE_BEFORE: Final = timedelta(days=1)

_KINDS: Final = tuple(kind.value for kind in goods.BrandKind)
_POOLS: Final = ("everyday", "wide", "rare")
_GRANTS: Final = ((0, 1, 2), (0, 1), (0,), (1,), (0, 2))
"""Which pools each partner may see; the first sees all goods."""
_LISTS: Final = (None, 0, 0, 1, None)
"""Which price list each partner has, beside the default one."""
_MADE_OF: Final = (
    *("纯棉", "不锈钢", "实木", "硅胶", "陶瓷", "玻璃", "羊毛", "竹纤维", "牛皮", "尼龙", "亚麻"),
    "铝合金",
)
_LOOKS: Final = (
    *("加厚", "折叠", "便携", "防水", "静音", "大容量", "迷你", "复古", "简约", "儿童", "无线"),
    *("充电", "保温", "防滑"),
)
_THINGS: Final = (
    *("水杯", "毛巾", "台灯", "背包", "雨伞", "拖鞋", "枕头", "床单", "炒锅", "菜刀", "剪刀"),
    *("衣架", "耳机", "键盘", "鼠标", "风扇", "围巾", "手套", "茶壶", "饭盒", "花瓶", "闹钟"),
    *("镜子", "地毯", "窗帘", "书架", "椅子", "挂钩", "胶带", "电池", "牙刷", "梳子", "香皂"),
    *("洗衣液", "纸巾", "面膜"),
)
_COLOURS: Final = ("白色", "黑色", "蓝色")

_STAGING: Final = (
    "CREATE UNLOGGED TABLE staged (n int, id uuid, spu_id uuid, title text, variant text,"
    " category_id uuid, brand_id uuid, brand_kind text, price_minor bigint, weight_g int)"
)
_GOODS: Final = (
    (
        "INSERT INTO goods.spu (id, supplier_id, code, title, category_id, brand_id, brand_kind,"
        "  attributes, description) SELECT spu_id, %(supplier)s, 'P' || n, title, category_id,"
        "  brand_id, brand_kind, '{}', '' FROM staged WHERE n %% 3 = 0"
    ),
    (
        "INSERT INTO goods.sku (id, supplier_id, supplier_code, spu_id, title, variant, unit,"
        "  weight_g, tax_rate_bps, return_policy, compare_at_minor, kind, quantity_min, pack_size,"
        "  areas_allowed, areas_excluded, state, created_at, updated_at)"
        " SELECT id, %(supplier)s, 'S' || n, spu_id, title, variant, '件', weight_g, 1300,"
        "  'seven_days_no_reason', price_minor * 13 / 10, 'single', 1, 1, '{}', '{}',"
        "  CASE WHEN n %% 33 = 32 THEN 'off_shelf' ELSE 'on_shelf' END, %(made)s, %(made)s"
        " FROM staged"
    ),
    (
        "INSERT INTO goods.pool_sku (pool_id, sku_id) SELECT p.id, s.id FROM staged s"
        " JOIN (VALUES (%(pool_0)s::uuid, 0, 5), (%(pool_1)s::uuid, 4, 8),"
        "  (%(pool_2)s::uuid, 9, 9))"
        "  AS p (id, first, last) ON n %% 10 BETWEEN p.first AND p.last"
    ),
)
_PRICES: Final = (
    (
        "INSERT INTO pricing.price (list_id, sku_id, quantity_min, unit_price_minor, version,"
        "  changed_at) SELECT l.id, s.id, t.tier, greatest(1, s.price_minor * l.percent / 100"
        "  - t.tier), 1, %(made)s FROM staged s"
        " JOIN (VALUES (%(list)s::uuid, 100, 1), (%(list_0)s::uuid, 95, 2),"
        "  (%(list_1)s::uuid, 90, 3))"
        "  AS l (id, percent, every) ON n %% l.every = 0"
        " JOIN (VALUES (1, 1), (10, 5)) AS t (tier, every) ON n %% t.every = 0"
    ),
)
_STOCK: Final = (
    (
        "INSERT INTO inventory.stock (sku_id, warehouse_id, on_hand, reserved, safety, shared,"
        "  low_below, version, changed_at) SELECT s.id, w.id, n * 7 %% 200, 0, 0, 0, 0, 1, %(made)s"
        " FROM staged s JOIN (VALUES (%(house_0)s::uuid, 1), (%(house_1)s::uuid, 2),"
        "  (%(house_2)s::uuid, 5)) AS w (id, every) ON n %% w.every = 0"
    ),
)
_CATALOGUE: Final = (
    "INSERT INTO catalogue.sku_change (sku_id, position) SELECT id, n + 1 FROM staged",
    (
        "INSERT INTO catalogue.offer (partner_id, sku_id, position, version, state,"
        "  unit_price_minor, price_version, stamp_us, changed_at)"
        " SELECT g.partner_id, s.id, row_number() OVER (PARTITION BY g.partner_id ORDER BY s.id),"
        "  1, 'on_shelf', coalesce(o.unit_price_minor, d.unit_price_minor),"
        "  coalesce(o.version, d.version), extract(epoch FROM s.updated_at) * 1000000, %(made)s"
        " FROM (SELECT DISTINCT g.partner_id, p.sku_id FROM goods.pool_grant g"
        "  JOIN goods.pool_sku p ON p.pool_id = g.pool_id) AS g"
        " JOIN goods.sku s ON s.id = g.sku_id AND s.state = 'on_shelf'"
        " JOIN pricing.price d ON d.list_id = %(list)s AND d.sku_id = s.id AND d.quantity_min = 1"
        " LEFT JOIN pricing.price_list_partner l ON l.partner_id = g.partner_id"
        " LEFT JOIN pricing.price o ON o.list_id = l.list_id AND o.sku_id = s.id"
        "  AND o.quantity_min = 1"
    ),
)


@dataclass(frozen=True, slots=True)
class _Made:
    """What the front doors opened, by the names that the statements use, and the keys."""

    names: dict[str, Any]
    categories: list[UUID]
    brands: list[UUID]
    key_ids: list[str]
    secrets: list[str]
    area_codes: list[str]


def shelf_open(world: World, *, skus: int, path: Path) -> None:
    """Fill a new world, and write down what a load client must know, for its owner's eyes."""
    with world.begin() as ctx:
        made = _opened(ctx)
    words, queries = _words()
    sku_ids: list[str] = []
    url = world.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as link:
        for statement in (
            "SET session_replication_role = replica",
            "SET synchronous_commit = off",
            "SET work_mem = '256MB'",
            "SET maintenance_work_mem = '256MB'",
            _STAGING,
        ):
            link.execute(statement)
        with link.cursor().copy("COPY staged FROM STDIN") as copy:
            every = max(1, skus // SHELF_SKUS)
            for row in _rows(skus, made, words):
                copy.write_row(row)
                if row[0] % every == 0:
                    sku_ids.append(id_text(goods.SKU_PREFIX, row[1]))
        # What was just filled is counted first: without that the plan of the last join is a guess.
        for statement in (*_GOODS, *_PRICES, *_STOCK, "ANALYZE", *_CATALOGUE):
            link.execute(statement, made.names)
        link.execute("DROP TABLE staged")
        link.execute("VACUUM (ANALYZE)")
        link.execute("CHECKPOINT")
    shelf = Shelf(made.key_ids, made.secrets, sku_ids, made.area_codes, queries)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(shelf), file)


def _opened(ctx: Ctx) -> _Made:
    """Open all that there are few of through the modules' front doors."""
    ground = ground_open(ctx)
    supplier = parties.party_open(
        ctx,
        kind=parties.PartyKind.SUPPLIER,
        name="supplier",
        legal_name="supplier Ltd",
        uscc=uscc_made(0),
    )
    names: dict[str, Any] = {
        "supplier": supplier.id,
        "made": datetime.now(UTC) - _MADE_BEFORE,
        "list": ground.price_list.id,
    }
    for place, (region, days) in enumerate((("000000", 2), ("000000", 3), ("330000", 1))):
        house = inventory.warehouse_open(
            ctx,
            code=f"W{place}",
            supplier_id=supplier.id,
            name=f"warehouse {place}",
            region_code="330106",
        )
        coverage = [inventory.CoverageRow(region, 1 + place, days)]
        inventory.coverage_put(ctx, warehouse_id=house.id, rows=coverage)
        names[f"house_{place}"] = house.id
    lists = [pricing.list_open(ctx, name=name).id for name in ("frequent", "wholesale")]
    pools = [goods.pool_open(ctx, name=name) for name in _POOLS]
    names |= {f"list_{n}": list_id for n, list_id in enumerate(lists)}
    names |= {f"pool_{n}": pool_id for n, pool_id in enumerate(pools)}
    keys = [
        _partner(ctx, n, [pools[pool] for pool in seen], None if own is None else lists[own])
        for n, (seen, own) in enumerate(zip(_GRANTS, _LISTS, strict=True))
    ]
    rows = ctx.db.rows(
        "SELECT code FROM regions.region WHERE level = 3 ORDER BY md5(code) LIMIT %b", AREAS
    )
    return _Made(
        names,
        _categories(ctx),
        _brands(ctx),
        [key.key.id for key in keys],
        [key.secret for key in keys],
        [code for (code,) in rows],
    )


def _partner(
    ctx: Ctx, number: int, pools: Sequence[goods.PoolId], list_id: pricing.ListId | None
) -> parties.IssuedKey:
    """Open a partner with its grants and its list, and a key to read with."""
    partner_id = parties.party_open(
        ctx,
        kind=parties.PartyKind.PARTNER,
        name=f"partner {number}",
        legal_name=f"partner {number} Ltd",
        uscc=uscc_made(1 + number),
    ).id
    for pool_id in pools:
        goods.pool_grant(ctx, pool_id=pool_id, partner_id=partner_id)
    if list_id is not None:
        pricing.list_assign(ctx, partner_id=partner_id, list_id=list_id)
    return parties.key_issue(
        ctx,
        party_id=partner_id,
        kind=parties.KeyKind.HMAC,
        scopes=["goods:read", "prices:read", "stock:read"],
        label="bench",
    )


def _categories(ctx: Ctx) -> list[UUID]:
    """Write three levels of categories; gives the lowest."""
    parents: list[UUID | None] = [None]
    for level in range(1, 4):
        ids = [new_id(ctx.now) for _ in range(len(parents) * BRANCHES)]
        names = [f"{_THINGS[n % len(_THINGS)]}类 {level}-{n}" for n in range(len(ids))]
        ctx.db.run(
            "INSERT INTO goods.category (id, parent_id, name, level)"
            " SELECT i, p, n, %b::smallint FROM unnest(%b::uuid[], %b::uuid[], %b::text[])"
            "  AS x (i, p, n)",
            *(level, ids, [parents[n // BRANCHES] for n in range(len(ids))], names),
        )
        parents = [*ids]
    return [category_id for category_id in parents if category_id is not None]


def _brands(ctx: Ctx) -> list[UUID]:
    ids = [new_id(ctx.now) for _ in range(BRANDS)]
    ctx.db.run(
        "INSERT INTO goods.brand (id, name) SELECT * FROM unnest(%b::uuid[], %b::text[])",
        ids,
        [f"{_LOOKS[n % len(_LOOKS)]}坊 {n}" for n in range(BRANDS)],
    )
    return ids


def _words() -> tuple[list[str], list[str]]:
    """Give words for titles and queries: of real ones where they are there, else our own."""
    dice = random.Random(2)
    if QUERIES.exists():
        with QUERIES.open(encoding="utf-8") as file:
            found = [line.rstrip("\n").partition("\t")[2] for line in file]
        dice.shuffle(found)
        words = [text for text in found if len(text) in _WORD_LENGTHS and COMMON not in text]
        return words, [text[:100] for text in found[:QUERIES_MAX] if text]
    words = [look + thing for look in _LOOKS for thing in _THINGS]
    return words, [dice.choice(_MADE_OF) + dice.choice(words) for _ in range(QUERIES_MAX)]


def _rows(skus: int, made: _Made, words: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Give the staged rows: variants of an SPU differ by their colour alone."""
    dice = random.Random(1)
    now = made.names["made"]
    for n in range(skus):
        if n % SKUS_PER_SPU == 0:
            spu_id = new_id(now)
            common = f"{COMMON} " if dice.random() < COMMON_SHARE else ""
            title = (
                f"{common}{dice.choice(_LOOKS)}{dice.choice(_MADE_OF)}{dice.choice(_THINGS)} "
                f"{dice.choice(words)} {dice.randrange(1_000)}"
            )
            category_id, brand_id = dice.choice(made.categories), dice.choice(made.brands)
            kind, price_minor = dice.choice(_KINDS), int(10 ** dice.uniform(2.7, 5.3))
        yield (
            *(n, new_id(now), spu_id, title, _COLOURS[n % SKUS_PER_SPU], category_id, brand_id),
            *(kind, price_minor, dice.randint(50, 5_000)),
        )
