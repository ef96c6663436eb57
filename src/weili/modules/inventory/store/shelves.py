"""SQL of shelves: what lies anywhere of goods and may be promised to anyone, remembered.

Whoever changes what a shelf is made of notes its SKU (``touch_shelves``) in the same transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, cast

from weili.kit.context import Ctx
from weili.kit.db import Asked
from weili.kit.ids import IdList, id_keys
from weili.kit.memory import Recall, Topic, touch
from weili.modules.goods import SkuId

# Where goods lie that may be promised, whoever is served from there. Goods are named by their
# places in the list of those asked for, and warehouses by their bytes: both are read many times
# faster than an id is. Without a warehouse: that more of it is on its way.
_SHELVES: Final = (
    "SELECT (x.place - 1)::int, uuid_send(s.warehouse_id),"
    "  s.on_hand - s.reserved - s.shared - s.safety, s.shared > 0"
    " FROM unnest(%b::uuid[]) WITH ORDINALITY AS x (sku_id, place)"
    " JOIN inventory.stock s ON s.sku_id = x.sku_id"
    " WHERE s.on_hand - s.reserved - s.shared > s.safety OR s.shared > 0"
    " UNION ALL SELECT (x.place - 1)::int, NULL, 0, false"
    " FROM unnest(%b::uuid[]) WITH ORDINALITY AS x (sku_id, place)"
    " WHERE EXISTS (SELECT FROM inventory.arrival a"
    "  WHERE a.sku_id = x.sku_id AND a.state = 'expected')"
)
_SHELF: Final = b"inventory.shelf"


class Shelf(NamedTuple):
    """What lies where of an SKU: pieces that may be promised to anyone, by warehouse."""

    counts: Mapping[bytes, int]
    is_kept: bool = False
    """Whether something of it is kept for partners."""
    is_coming: bool = False
    """Whether more of it is on its way."""


_BARE: Final = Shelf({})


def touch_shelves(ctx: Ctx, sku_ids: Collection[SkuId]) -> None:
    """Note that this transaction changes what lies of SKUs, is kept of them, or on its way."""
    touch(ctx, sku_ids, topic=Topic.SHELVES)


def shelves(ctx: Ctx, *, recall: Recall, sku_ids: Sequence[SkuId]) -> Asked[Sequence[Shelf]]:
    """Read what lies anywhere of each SKU, in their order. Hot."""
    of = recall.about(Topic.SHELVES)
    keys = id_keys(sku_ids)
    known: list[Shelf | None] = of.found(_SHELF, keys)
    missing = [place for place, shelf in enumerate(known) if shelf is None]
    if not missing:
        return lambda: cast("list[Shelf]", known)
    asked = IdList.of([keys[place] for place in missing])
    rows = ctx.db.ask(_SHELVES, asked, asked)

    def read() -> Sequence[Shelf]:
        fresh = _read(len(missing), rows())
        of.keep(_SHELF, {keys[place]: shelf for place, shelf in zip(missing, fresh, strict=True)})
        for place, shelf in zip(missing, fresh, strict=True):
            known[place] = shelf
        return cast("list[Shelf]", known)

    return read


def _read(count: int, rows: Sequence[tuple[int, bytes | None, int, bool]]) -> list[Shelf]:
    counts: dict[int, dict[bytes, int]] = {}
    kept, coming = set(), set()
    houses: dict[bytes, bytes] = {}
    for place, warehouse, pieces, is_kept in rows:
        if is_kept:
            kept.add(place)
        elif warehouse is None:
            coming.add(place)
        else:
            # Of all that is read together, a warehouse's bytes are kept once.
            counts.setdefault(place, {})[houses.setdefault(warehouse, warehouse)] = pieces
    return [
        Shelf(counts.get(place, {}), place in kept, place in coming)
        if place in counts or place in kept or place in coming
        else _BARE
        for place in range(count)
    ]
