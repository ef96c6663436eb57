"""Finds SKUs for a partner: by the index, and then by what goods and prices say of what it found.

The index knows the order and the counts; whether an SKU may be seen and what it costs is told as
the database has it at this moment, be it from memory (decision 0017).
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from weili.adapters.search import DEFAULT_SLOT, Counts, Plan, SearchIndex, Wanted
from weili.kit.context import Ctx, PartyId
from weili.kit.gathering import ended
from weili.kit.ids import id_text
from weili.kit.memory import Recall
from weili.modules import catalogue, goods
from weili.modules.catalogue import FoundSku, SearchAsk, SearchSort
from weili.modules.goods import CategoryId, SkuId
from weili.workflows.index_goods import sku_of

F = TypeVar("F")
BAND_EDGES_MINOR: Final = (2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
"""Where price bands meet, in fen: 20, 50, 100, 200, 500, 1,000 and 2,000 yuan."""
_LEVELS: Final = ("category_1", "category_2", "category_3")
_SORTS: Final[Mapping[SearchSort, tuple[str, bool]]] = {
    SearchSort.MARGIN: ("margin", True),
    SearchSort.PRICE_UP: ("price", False),
    SearchSort.PRICE_DOWN: ("price", True),
}


class Facet(msgspec.Struct, frozen=True):
    """A value that would narrow the search, its name, and how many found SKUs have it."""

    key: str
    name: str
    count: int


class Band(msgspec.Struct, frozen=True):
    """How many found SKUs have a price from one edge to below the next, in fen."""

    from_minor: int
    below_minor: int | None
    count: int


class FoundItem(NamedTuple, Generic[F]):
    """A found SKU: what is told of it now, and (as JSON) what the index shows beside."""

    told: F
    shown: bytes


@dataclass(frozen=True, slots=True)
class SearchResult(Generic[F]):
    """What was found, and what narrows it further.

    ``counts`` are one object for as long as the index remembers them: what is made of facets and
    bands may be kept by it. ``is_by_default``: the partner's list has no place in the index, or not
    yet, so that the price filter, the bands, and the order by price or margin are those of the
    default list; the items' prices are the partner's own all the same.
    """

    counts: Counts
    items: Sequence[FoundItem[F]]
    category_id: CategoryId | None
    is_relaxed: bool
    is_by_default: bool = False

    @property
    def count(self) -> int:
        """Say how many were found."""
        return self.counts.total

    @property
    def facets(self) -> Mapping[str, Sequence[Facet]]:
        """Name the values that would narrow the search; of categories those below the chosen."""
        return _facets(self.counts.facets, self.category_id)

    @property
    def bands(self) -> Sequence[Band]:
        """Say how many have their price in which band."""
        return _bands(self.counts.bands)


_NOTHING: Final = Counts(0)


def search_skus(
    ctx: Ctx,
    index: SearchIndex,
    *,
    partner_id: PartyId | None,
    ask: SearchAsk,
    form: Callable[[FoundSku], F],
) -> SearchResult[F]:
    """Find what a partner may order, or (``partner_id`` None) any SKU in any state.

    The index is a few seconds behind. What was taken from the partner meanwhile is left out of the
    items; a grant that was taken back counts at once. Each item is told in some ``form``.

    Raises: Forbidden; SearchNotReady.
    """
    nothing = Recall.nothing()
    return ended(
        search_steps(ctx, index, recall=nothing, partner_id=partner_id, ask=ask, form=form)
    )


def search_steps(
    ctx: Ctx,
    index: SearchIndex,
    *,
    recall: Recall,
    partner_id: PartyId | None,
    ask: SearchAsk,
    form: Callable[[FoundSku], F],
) -> Generator[None, None, SearchResult[F]]:
    """Do what ``search_skus`` does in steps: those that are taken together share their journeys.

    A step ends where others do something else next, be it that nothing is asked: what a processor
    has at hand for one is at hand for the next, while all do the same.

    What is told of an item is remembered in that form, see ``catalogue.skus_found_steps``.

    Raises: Forbidden; SearchNotReady.
    """
    ground = catalogue.search_ground(ctx, recall=recall, partner_id=partner_id, text=ask.text)
    if ground.pool_ids == ():
        return SearchResult(_NOTHING, (), ask.category_id, is_relaxed=False)
    plan = _plan(ask, ground)
    if ask.text.strip() and not plan.tokens:
        # Signs, or a script that no goods are written in: nothing is called so.
        return SearchResult(_NOTHING, (), ask.category_id, is_relaxed=False)
    yield
    answer = index.search(plan)
    yield
    sku_ids = [sku_of(key) for key, _ in answer.hits]
    told: Sequence[F | None] = ()
    if partner_id is None or ground.pool_ids is None:
        told = [None if sku is None else form(sku) for sku in _any_found(ctx, sku_ids)]
    elif sku_ids:
        told = yield from catalogue.skus_found_steps(
            ctx,
            recall=recall,
            partner_id=partner_id,
            pool_ids=ground.pool_ids,
            sku_ids=sku_ids,
            form=form,
        )
    items = [
        FoundItem(each, shown)
        for each, (_, shown) in zip(told, answer.hits, strict=False)
        if each is not None
    ]
    return SearchResult(
        answer.counts, items, ask.category_id, answer.is_relaxed, answer.is_by_default
    )


def _plan(ask: SearchAsk, ground: catalogue.SearchGround) -> Plan:
    slot = ground.list_id.hex if ground.list_id else DEFAULT_SLOT
    pools = None
    if ground.pool_ids is not None:
        pools = tuple(pool_id.hex for pool_id in ground.pool_ids)
    tags: list[str] = []
    if ask.category_id is not None:
        tags.append(f"category:{ask.category_id.hex}")
    if ask.brand_id is not None:
        tags.append(f"brand:{ask.brand_id.hex}")
    if ask.brand_kind is not None:
        tags.append(f"kind:{ask.brand_kind}")
    if ask.state is not None:
        tags.append(f"state:{ask.state}")
    within = None
    if ask.price_min_minor is not None or ask.price_max_minor is not None:
        within = ("price", slot, ask.price_min_minor, ask.price_max_minor)
    tokens = catalogue.tokens_of(ask.text, ground.synonyms)
    order, is_descending = _order(ask.sort, slot, has_words=bool(tokens))
    return Plan(
        tokens=tuple(
            tuple(Wanted(way.words, way.grams, way.pinyin) for way in token) for token in tokens
        ),
        tags=tuple(tags),
        pools=pools,
        within=within,
        order=order,
        is_descending=is_descending,
        facets=(*(_LEVELS if ask.category_id else _LEVELS[:1]), "brand", "brand_kind", "state"),
        bands=("price", slot, BAND_EDGES_MINOR),
        offset=ask.offset,
        limit=ask.limit,
    )


def _order(
    sort: SearchSort, slot: str, *, has_words: bool
) -> tuple[str | tuple[str, str] | None, bool]:
    if sort is SearchSort.NEWEST:
        return "created", True
    if sort is SearchSort.SALES or (sort is SearchSort.RELEVANCE and not has_words):
        return "sold", True
    if sort is SearchSort.RELEVANCE:
        return None, True
    name, is_descending = _SORTS[sort]
    return (name, slot), is_descending


def _facets(
    counted: Mapping[str, Sequence[tuple[str, int]]], category_id: CategoryId | None
) -> dict[str, list[Facet]]:
    named = {
        name: [Facet(*text.partition("|")[::2], count) for text, count in values]
        for name, values in counted.items()
    }
    level = _LEVELS[0]
    if category_id is not None:
        chosen = id_text(goods.CATEGORY_PREFIX, category_id)
        for here, below in zip(_LEVELS, (*_LEVELS[1:], _LEVELS[-1]), strict=True):
            if any(facet.key == chosen for facet in named.get(here, ())):
                level = below
    return {
        "category": named.get(level, []),
        **{name: named.get(name, []) for name in ("brand", "brand_kind", "state")},
    }


def _bands(counts: Sequence[int]) -> list[Band]:
    edges = (0, *BAND_EDGES_MINOR, None)
    return [
        Band(low or 0, high, count)
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
        if count
    ]


def _any_found(ctx: Ctx, sku_ids: Sequence[SkuId]) -> list[FoundSku | None]:
    """Show the operator what there is, with no partner's price."""
    listings = {each.id: each for each in goods.sku_listings(ctx, sku_ids=sku_ids)}
    return [
        FoundSku(sku_id, found.title, found.variant, None, None, found.compare_at_minor)
        if (found := listings.get(sku_id)) is not None
        else None
        for sku_id in sku_ids
    ]
