"""Keeps the search index of a machine what the catalogue says: built whole, then followed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from weili.adapters.search import DEFAULT_SLOT, Document, SearchIndex, SearchNotReady, TantivyWriter
from weili.kit.context import Begin, Ctx
from weili.kit.findings import Finding
from weili.kit.ids import id_of_number, id_text, ids_text
from weili.modules import catalogue, goods
from weili.modules.catalogue import CatalogueEntry
from weili.modules.goods import CategoryId, SkuId, SkuState

STEP_MAX: Final = 2_000
"""SKUs in one commit of the index."""
BATCH: Final = 1_000
VERIFY_MAX: Final = 2_000
"""SKUs of which each is compared; of the others only the number."""
_BEFORE_ALL: Final = SkuId(UUID(int=0))
_REMEMBERED: Final = 4_096
"""Categories, brands, pools and lists of which it is remembered how they are written."""
_encode: Final = msgspec.json.Encoder().encode


def index_follow(begin: Begin, writer: TantivyWriter) -> int:
    """Take the index a step further, or build it where it is missing; says how many SKUs it took.

    One process of a machine does this; another gets 0.
    """
    if not writer.lock():
        return 0
    with begin() as ctx:
        slots = [list_id.hex for list_id in catalogue.lists_priced(ctx)]
        end = catalogue.changes_end(ctx)
    position = writer.position(slots)
    # Past the end is where a back-up was put back: what changes then would not be followed.
    if position is None or position > end:
        return index_build(begin, writer)
    with begin() as ctx:
        changes = catalogue.changes_after(ctx, position=position, limit=STEP_MAX)
        entries = catalogue.entries(ctx, sku_ids=[sku_id for sku_id, _ in changes])
    if not changes:
        return 0
    found = {entry.listing.id for entry in entries}
    gone = [sku_id.hex for sku_id, _ in changes if sku_id not in found]
    writer.put(map(document_of, entries), gone, changes[-1][1])
    return len(changes)


def index_build(
    begin: Begin, writer: TantivyWriter, *, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Build the index anew from the database, in the place of the one that is there.

    What changes meanwhile is after the position that was read first, and is followed then. The
    caller holds the lock. Memory is bounded: a thousand SKUs at a time.
    """
    with begin() as ctx:
        position = catalogue.changes_end(ctx)
        slots = [list_id.hex for list_id in catalogue.lists_priced(ctx)]

    def batches() -> Iterator[Iterator[Document]]:
        after, done = _BEFORE_ALL, 0
        while True:
            with begin() as ctx:
                sku_ids = goods.sku_ids_after(ctx, after=after, limit=BATCH)
                entries = catalogue.entries(ctx, sku_ids=sku_ids)
            if not sku_ids:
                return
            yield map(document_of, entries)
            after, done = sku_ids[-1], done + len(sku_ids)
            progress(done)

    return writer.build(batches(), position=position, slots=slots)


def index_verify(ctx: Ctx, index: SearchIndex) -> list[Finding]:
    """Compare the index with the database: the number of its documents, and a sample of them.

    While changes are still to be followed, and where there is no index on this machine, nothing
    can be said, and nothing is.

    Raises: Forbidden.
    """
    ctx.require("admin:verify")
    try:
        position, count = index.followed_to()
        if position != catalogue.changes_end(ctx) or not catalogue.is_caught_up(ctx):
            return []
        total = goods.skus_count(ctx)
        sku_ids = goods.sku_ids_after(ctx, after=_BEFORE_ALL, limit=VERIFY_MAX)
        wanted = {
            entry.listing.id.hex: document_of(entry).mark
            for entry in catalogue.entries(ctx, sku_ids=sku_ids)
        }
        marks = index.marks(list(wanted))
    except SearchNotReady:
        return []
    repair = "build it anew: weili search rebuild"
    findings = []
    if count != total:
        what = f"it holds {count} SKUs, there are {total}"
        findings.append(Finding("index_equals_goods", "search index", what, repair))
    findings += [
        Finding(
            "index_equals_goods",
            id_text(goods.SKU_PREFIX, sku_of(key)),
            "the index holds another state of it" if key in marks else "the index lacks it",
            repair,
        )
        for key, mark in wanted.items()
        if marks.get(key) != mark
    ]
    return findings


def document_of(entry: CatalogueEntry) -> Document:
    """Turn an SKU into a document: the words it is found by, and all that it is narrowed by."""
    listing = entry.listing
    categories = [name for _, name in listing.categories]
    brand_name = [listing.brand[1]] if listing.brand else []
    terms = catalogue.terms_of(
        [listing.title, *brand_name],
        [listing.variant, *categories, *listing.attributes.values(), listing.gtin or ""],
    )
    path = _path(listing.categories)
    facets = dict(path.facets)
    on_shelf = listing.state == SkuState.ON_SHELF
    pools = [_hex(pool_id) for pool_id in listing.pool_ids] if on_shelf else []
    tags = [*path.tags, f"state:{listing.state}"]
    brand = None
    if listing.brand:
        brand_id, name = listing.brand
        brand = {"id": id_text(goods.BRAND_PREFIX, brand_id), "name": name}
        facets["brand"] = f"{brand['id']}|{name}"
        tags.append(f"brand:{_hex(brand_id)}")
    if listing.brand_kind:
        facets["brand_kind"] = f"{listing.brand_kind}|{listing.brand_kind}"
        tags.append(f"kind:{listing.brand_kind}")
    facets["state"] = f"{listing.state}|{listing.state}"
    slots = {("price", _slot(key)): value for key, value in entry.prices_minor.items()}
    slots |= {("margin", _slot(key)): value for key, value in entry.margins_bps.items()}
    [sku_id] = ids_text(goods.SKU_PREFIX, [listing.id])
    shown = {
        "sku_id": sku_id,
        "category": path.shown,
        "brand": brand,
        "brand_kind": listing.brand_kind,
        "state": listing.state,
    }
    numbers = {"sold": entry.sold, "created": int(listing.created_at.timestamp() * 1_000)}
    parts = (terms.words, pools, tags, facets, numbers, sorted(slots.items()), shown)
    return Document(
        key=listing.id.hex,
        words=terms.words,
        grams=terms.grams,
        pinyin=terms.pinyin,
        pools=pools,
        tags=tags,
        facets=facets,
        numbers=numbers,
        slots=slots,
        shown=_encode(shown).decode(),
        mark=hashlib.blake2b(_encode(parts), digest_size=12).hexdigest(),
    )


class _Path(NamedTuple):
    """What is said of all SKUs of a category."""

    facets: Mapping[str, str]
    tags: Sequence[str]
    shown: msgspec.Raw


@lru_cache(_REMEMBERED)
def _path(categories: tuple[tuple[CategoryId, str], ...]) -> _Path:
    named = [(id_text(goods.CATEGORY_PREFIX, each), name) for each, name in categories]
    return _Path(
        {f"category_{n}": "|".join(each) for n, each in enumerate(named, 1)},
        [f"category:{category_id.hex}" for category_id, _ in categories],
        msgspec.Raw(_encode([{"id": key, "name": name} for key, name in named])),
    )


@lru_cache(_REMEMBERED)
def _hex(value: UUID) -> str:
    return value.hex


def sku_of(key: str) -> SkuId:
    """Give the SKU of a document's key."""
    return SkuId(id_of_number(int(key, 16)))


def _slot(list_id: UUID | None) -> str:
    return _hex(list_id) if list_id else DEFAULT_SLOT
