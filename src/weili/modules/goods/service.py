"""Goods: put in by supplier's rows, put on the shelf, and shown to partners through pools."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from weili.kit.context import Ctx, EventType, PartyId
from weili.kit.db import Asked
from weili.kit.findings import Finding
from weili.kit.gathering import gather
from weili.kit.ids import id_text, ids_sorted, ids_text, new_id
from weili.kit.memory import Recall
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules.goods import listing
from weili.modules.goods.events import (
    POOL_GRANTED,
    POOL_REVOKED,
    POOL_SKU_ADDED,
    POOL_SKU_REMOVED,
    SKU_STATE_CHANGED,
    SKUS_PER_EVENT_MAX,
)
from weili.modules.goods.model import (
    CATEGORY_PREFIX,
    POOL_PREFIX,
    REVISION_PREFIX,
    SHOWN_STATES,
    SKU_PREFIX,
    SKU_STATES,
    SPU_PREFIX,
    TERMS_DEFAULT,
    BrandId,
    BundlePart,
    Category,
    CategoryId,
    GoodsPut,
    GoodsRow,
    NamedSku,
    Pool,
    PoolId,
    PoolProfile,
    SaleTerms,
    Sku,
    SkuId,
    SkuKey,
    SkuOffer,
    SkuState,
    SpuFacts,
    SpuId,
)
from weili.modules.goods.problems import (
    BundleFrozen,
    PoolNameTaken,
    PoolUnfit,
    PoolUnknown,
    SkuUnknown,
)
from weili.modules.goods.rules import parts_checked
from weili.modules.goods.store import categories as category_store
from weili.modules.goods.store import pools, review
from weili.modules.goods.store import skus as store

SCOPE_READ: Final = "goods:read"
SCOPE_ADMIN: Final = "admin:goods"

UNFIT_SHOWN_MAX: Final = 100
_A_CATEGORY: Final = Said("the id of a category", "类目的 id")
BEFORE_ALL: Final = UUID(int=0)
SPU_FIELDS: Final = tuple(SpuFacts.__dataclass_fields__)
_sku_fields: Final = attrgetter(*store.SKU_FIELDS)

Path = tuple[str, ...]


def goods_put(ctx: Ctx, *, rows: Sequence[GoodsRow], state: SkuState = SkuState.DRAFT) -> GoodsPut:
    """Write goods as their suppliers describe them; what is the same already stays untouched.

    New SKUs begin in ``state``, a draft or on the shelf; old ones keep the state that they have.

    Categories, brands and SPUs come into being as they are named. Of two rows with one supplier
    and code the later counts. A change of what an SPU's variants share is written into the history
    of the SKUs it came with. One transaction at a time puts goods: the next waits.

    Raises: Busy, when another put of goods lasts longer than the lock timeout; BundleFrozen;
    BundlePartUnfit; ValueError, when nothing begins in that state.
    """
    if state not in SKU_STATES.initial:
        raise ValueError(state)
    by_key: dict[SkuKey, GoodsRow] = {(row.supplier_id, row.supplier_code): row for row in rows}
    if not by_key:
        return GoodsPut({}, frozenset(), frozenset(), frozenset(), frozenset())
    store.put_lock(ctx)
    categories = _categories_put(ctx, {row.category for row in by_key.values()})
    brands = _brands_put(ctx, {row.brand for row in by_key.values() if row.brand})
    spus, spu_changes = _spus_put(ctx, by_key, categories, brands)
    put = _skus_put(ctx, by_key, spus, spu_changes, state)
    listing.changes_tell(ctx, sku_ids=put.created | put.updated, spu_ids=spu_changes)
    return put


def sku_shelve(ctx: Ctx, *, sku_ids: Sequence[SkuId], state: SkuState) -> int:
    """Put SKUs on or off the shelf; says how many moved. One that is there already stays.

    Raises: Forbidden; SkuUnknown; StateConflict. Then none has moved.
    """
    ctx.require(SCOPE_ADMIN)
    return shelve(ctx, sku_ids, state)


def shelve(ctx: Ctx, sku_ids: Sequence[SkuId], state: SkuState) -> int:
    """Put SKUs on or off the shelf for someone who may.

    Raises: SkuUnknown; StateConflict. Then none has moved.
    """
    states = store.states_lock(ctx, sku_ids)
    moving: list[SkuId] = []
    for sku_id in sorted(set(sku_ids)):
        if sku_id not in states:
            raise SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))
        if states[sku_id] is not state:
            SKU_STATES.check(states[sku_id], state, label=id_text(SKU_PREFIX, sku_id))
            moving.append(sku_id)
    if not moving:
        return 0
    store.states_set(ctx, moving, state)
    store.history_insert(
        ctx,
        "shelved",
        [
            (sku_id, new_id(ctx.now), state, {"state": [str(states[sku_id]), str(state)]})
            for sku_id in moving
        ],
    )
    announce_seen(ctx, SKU_STATE_CHANGED, moving, {"state": str(state)})
    listing.changes_tell(ctx, sku_ids=moving)
    return len(moving)


def skus_visible(
    ctx: Ctx, *, pairs: Sequence[tuple[PartyId, SkuId]]
) -> dict[tuple[PartyId, SkuId], SkuOffer]:
    """Give what partners may order: on the shelf, and in a pool that is granted to them.

    A pair that is not so is absent; why it is absent is nobody's business. One statement.
    """
    return skus_visible_asked(ctx, pairs=pairs)()


def skus_visible_asked(
    ctx: Ctx, *, pairs: Sequence[tuple[PartyId, SkuId]]
) -> Asked[dict[tuple[PartyId, SkuId], SkuOffer]]:
    """Ask what ``skus_visible`` gives, without waiting for it."""
    return store.visible(ctx, list(dict.fromkeys(pairs)))


def skus_named_asked(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> Asked[Sequence[NamedSku | None]]:
    """Ask how SKUs are called and which pools they are in; of what is off the shelf, None."""
    return gather(ctx, pools.named, sku_ids)


def sku_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
    query: str | None = None,
    category_id: CategoryId | None = None,
    pool_id: PoolId | None = None,
) -> Page[Sku]:
    """List the SKUs that a partner may order, or (``partner_id`` None) all of them in any state.

    ``query`` is looked for in titles; ``category_id`` holds for everything below it.

    Raises: Forbidden; CursorInvalid; PoolUnknown, also when the pool exists but is not granted to
    that partner.
    """
    _reading(ctx, partner_id)
    if pool_id is not None:
        _pool_get(ctx, pool_id)
        if partner_id is not None and not pools.is_granted(ctx, pool_id, partner_id):
            raise PoolUnknown(pool_id=id_text(POOL_PREFIX, pool_id))
    rows = store.skus_page(
        ctx,
        partner_id=partner_id,
        after=SkuId(_after(cursor)),
        limit=(limit := limit_bounded(limit)) + 1,
        query=query,
        category_id=category_id,
        pool_id=pool_id,
    )
    return page_of(rows, limit=limit, key=lambda sku: sku.id.hex)


def sku_get(ctx: Ctx, *, sku_id: SkuId, partner_id: PartyId | None) -> Sku:
    """Give an SKU that a partner may order, or (``partner_id`` None) any.

    Raises: Forbidden; SkuUnknown, also when it exists but is not for that partner.
    """
    _reading(ctx, partner_id)
    is_hidden = partner_id is not None and not store.visible(ctx, [(partner_id, sku_id)])()
    sku = None if is_hidden else store.skus_read(ctx, [sku_id]).get(sku_id)
    if sku is None:
        raise SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))
    return sku


def skus_get(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, Sku]:
    """Give the SKUs of these ids, whatever their state; an unknown id is absent."""
    return store.skus_read(ctx, sku_ids)


def skus_known(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> frozenset[SkuId]:
    """Say which of the ids are SKUs; much lighter than ``skus_get``."""
    return store.skus_known(ctx, sku_ids)


def skus_by_code(ctx: Ctx, *, keys: Sequence[SkuKey]) -> dict[SkuKey, SkuId]:
    """Find SKUs, bundles aside, by supplier and the supplier's own code; leaves out the unknown."""
    return store.singles_by_key(ctx, keys)


def skus_suppliers(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, PartyId]:
    """Say whose the SKUs are; an unknown id is absent."""
    return store.skus_suppliers(ctx, sku_ids)


def category_children(
    ctx: Ctx, *, partner_id: PartyId | None, parent_id: CategoryId | None = None
) -> list[Category]:
    """List the categories right below one, or the roots; of one that is unknown, none.

    A partner is given those in which, or below which, there is something that it may order;
    (``partner_id`` None) all of them are given.

    Raises: Forbidden.
    """
    _reading(ctx, partner_id)
    return category_store.categories_below(ctx, parent_id, partner_id=partner_id)


def partners_seeing(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, frozenset[PartyId]]:
    """Say which partners know an SKU: it has been on the shelf, in a pool granted to them.

    One that went off the shelf still counts, since partners keep it in their own systems. An SKU
    that nobody sees is absent.
    """
    return store.seeing(ctx, sku_ids)


def bundle_parts(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, tuple[BundlePart, ...]]:
    """Give what the bundles among the ids are made of; any other id is absent."""
    return store.parts_read(ctx, sku_ids)


def bundle_parts_seen(ctx: Ctx, *, sku_id: SkuId, partner_id: PartyId) -> list[BundlePart]:
    """Give what a bundle is made of, as far as a partner may order the parts by themselves."""
    parts = store.parts_read(ctx, [sku_id]).get(sku_id, ())
    part_ids = [part.sku_id for part in parts]
    seen = pools.skus_seen(ctx, recall=Recall.nothing(), partner_id=partner_id, sku_ids=part_ids)()
    return [parts[place] for place, _, _ in seen]


def pool_open(ctx: Ctx, *, name: str) -> PoolId:
    """Open an empty pool.

    Raises: Forbidden; PoolNameTaken.
    """
    ctx.require(SCOPE_ADMIN)
    pool = Pool(PoolId(new_id(ctx.now)), name)
    if not pools.pool_insert(ctx, pool):
        raise PoolNameTaken(name=name)
    return pool.id


def pool_by_name(ctx: Ctx, *, name: str) -> Pool | None:
    """Find a pool by its name."""
    ctx.require(SCOPE_ADMIN)
    return pools.pool_read(ctx, name=name)


def pool_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Pool]:
    """List the pools that are granted to a partner, or (``partner_id`` None) all.

    Raises: Forbidden; CursorInvalid.
    """
    _reading(ctx, partner_id)
    rows = pools.pools_page(
        ctx,
        partner_id=partner_id,
        after=PoolId(_after(cursor)),
        limit=(limit := limit_bounded(limit)) + 1,
    )
    return page_of(rows, limit=limit, key=lambda pool: pool.id.hex)


def pool_profile_put(ctx: Ctx, *, pool_id: PoolId, profile: PoolProfile) -> list[SkuId]:
    """Say what kind of channel a pool is made for; gives up to 100 SKUs in it that do not fit.

    They stay until somebody takes them out: what partners sell does not vanish by a setting.

    Raises: Forbidden; PoolUnknown; InputInvalid.
    """
    ctx.require(SCOPE_ADMIN)
    _pool_get(ctx, pool_id)
    known = category_store.categories_known(ctx, profile.category_ids)
    faults = [
        FieldProblem(f"/category_ids/{index}", "unknown", _A_CATEGORY)
        for index, category_id in enumerate(profile.category_ids)
        if category_id not in known
    ]
    low_minor, high_minor = profile.price_min_minor, profile.price_max_minor
    if low_minor is not None and high_minor is not None and low_minor > high_minor:
        expected = Said(f"at least {low_minor}", f"不小于 {low_minor}")
        faults.append(FieldProblem("/price_max_minor", "out_of_range", expected))
    if faults:
        raise InputInvalid(fields=tuple(faults))
    pools.profile_set(ctx, pool_id, profile)
    return pools.pool_unfit(ctx, pool_id, None, limit=UNFIT_SHOWN_MAX)


def pool_get(ctx: Ctx, *, pool_id: PoolId) -> Pool:
    """Give a pool.

    Raises: Forbidden; PoolUnknown.
    """
    ctx.require(SCOPE_ADMIN)
    return _pool_get(ctx, pool_id)


def pool_partners(ctx: Ctx, *, pool_id: PoolId) -> list[PartyId]:
    """Say to whom a pool is granted, in the order of their ids."""
    ctx.require(SCOPE_ADMIN)
    return pools.pool_partners(ctx, pool_id)


def pool_put(ctx: Ctx, *, pool_id: PoolId, sku_ids: Sequence[SkuId]) -> int:
    """Put SKUs into a pool, and tell the partners who have it; says how many are new there.

    A draft is not told of: partners hear of it when it goes on the shelf.

    Categories and brand kinds of the pool's profile are enforced: all are put in, or none.

    Raises: Forbidden; PoolUnknown; SkuUnknown; PoolUnfit.
    """
    ctx.require(SCOPE_ADMIN)
    pool = _pool_get(ctx, pool_id)
    wanted = ids_sorted(sku_ids)
    states = store.states_read(ctx, wanted)
    if len(states) < len(wanted):
        unknown = next(sku_id for sku_id in wanted if sku_id not in states)
        raise SkuUnknown(sku_id=id_text(SKU_PREFIX, unknown))
    is_bound = bool(pool.profile.category_ids or pool.profile.brand_kinds)
    if is_bound and (unfit := pools.pool_unfit(ctx, pool_id, wanted, limit=UNFIT_SHOWN_MAX)):
        raise PoolUnfit(name=pool.name, sku_ids=[id_text(SKU_PREFIX, sku_id) for sku_id in unfit])
    added = pools.pool_skus_insert(ctx, pool_id, wanted)
    _announce_pool(ctx, POOL_SKU_ADDED, pool_id, added, states)
    return len(added)


def pool_take(ctx: Ctx, *, pool_id: PoolId, sku_ids: Sequence[SkuId]) -> int:
    """Take SKUs out of a pool, and tell the partners who have it; says how many were in it.

    Raises: Forbidden; PoolUnknown.
    """
    ctx.require(SCOPE_ADMIN)
    _pool_get(ctx, pool_id)
    removed = pools.pool_skus_delete(ctx, pool_id, sorted(set(sku_ids)))
    _announce_pool(ctx, POOL_SKU_REMOVED, pool_id, removed, store.states_read(ctx, removed))
    return len(removed)


def pool_grant(ctx: Ctx, *, pool_id: PoolId, partner_id: PartyId) -> None:
    """Let a partner see a pool and order from it. Granting it again changes nothing.

    Raises: Forbidden; PoolUnknown.
    """
    ctx.require(SCOPE_ADMIN)
    pool = _pool_get(ctx, pool_id)
    if pools.grant_insert(ctx, pool_id, partner_id):
        _announce_grant(ctx, POOL_GRANTED, partner_id, pool)


def pool_revoke(ctx: Ctx, *, pool_id: PoolId, partner_id: PartyId) -> None:
    """Take a pool back from a partner. Without a grant nothing changes.

    Raises: Forbidden; PoolUnknown.
    """
    ctx.require(SCOPE_ADMIN)
    pool = _pool_get(ctx, pool_id)
    if pools.grant_delete(ctx, pool_id, partner_id):
        _announce_grant(ctx, POOL_REVOKED, partner_id, pool)


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find what breaks an invariant of goods, of what is under review, and of bundles."""
    yield from _verify_histories(ctx)
    yield from _verify_revisions(ctx)
    yield from _verify_shape(ctx)


def _verify_histories(ctx: Ctx) -> Iterator[Finding]:
    for sku_id, state, before in store.histories(ctx):
        steps_ok = (
            before[:1]
            and before[0] in SKU_STATES.initial
            and all(
                here is there or SKU_STATES.allows(here, there) for here, there in pairwise(before)
            )
        )
        if not steps_ok or before[-1] is not state:
            yield Finding(
                "sku_history",
                id_text(SKU_PREFIX, sku_id),
                f"state {state}; history {', '.join(before) or 'empty'}",
                "shelve it again: the right state is written to both",
            )


def _verify_revisions(ctx: Ctx) -> Iterator[Finding]:
    for revision_id, what in review.crooked_revisions(ctx):
        yield Finding(
            "revision_history",
            id_text(REVISION_PREFIX, revision_id),
            what,
            "set the revision's state and version to what its history came to",
        )
    for sku_id in review.skus_unreviewed(ctx):
        yield Finding(
            "sku_in_review",
            id_text(SKU_PREFIX, sku_id),
            "it is in review, but no revision of its SPU is",
            "shelve it if it was approved; else have its supplier propose it again",
        )


def _verify_shape(ctx: Ctx) -> Iterator[Finding]:
    for sku_id, spu_id in store.foreign_spus(ctx):
        yield Finding(
            "sku_spu",
            id_text(SKU_PREFIX, sku_id),
            f"its SPU {id_text(SPU_PREFIX, spu_id)} is another supplier's",
            "put the supplier's row of this SKU again",
        )
    for category_id in category_store.crooked_categories(ctx):
        yield Finding(
            "category_level",
            id_text(CATEGORY_PREFIX, category_id),
            "its level is not one below its parent's",
            "set the level to the parent's plus one",
        )
    for pool_id, count in pools.pools_missing(ctx):
        yield Finding(
            "pool_there",
            id_text(POOL_PREFIX, pool_id),
            f"there is no such pool, but {count} SKU(s) in it",
            "bring the pool back from a back-up, or take the SKUs out of it",
        )
    for bundle_id in store.crooked_bundles(ctx):
        yield Finding(
            "bundle_parts",
            id_text(SKU_PREFIX, bundle_id),
            "it has no parts, or one that is a bundle, another supplier's, or of no bundle at all",
            "take it off the shelf and put it again under a code of its own",
        )


def _categories_put(ctx: Ctx, paths: set[Path]) -> dict[Path, CategoryId]:
    """Make what is missing level by level, and give every path's id."""
    ids: dict[Path, CategoryId] = {}
    for level in range(1, max(map(len, paths)) + 1):
        heads = sorted({path[:level] for path in paths if len(path) >= level})
        wanted = [
            (CategoryId(new_id(ctx.now)), ids.get(head[:-1]), head[-1], level) for head in heads
        ]
        known = category_store.categories_put(ctx, wanted)
        ids |= {head: known[ids.get(head[:-1]), head[-1]] for head in heads}
    return ids


def _brands_put(ctx: Ctx, names: set[str]) -> dict[str, BrandId]:
    """Make the brands that are missing, and give every name's id."""
    if not names:
        return {}
    return category_store.brands_put(
        ctx, [(BrandId(new_id(ctx.now)), name) for name in sorted(names)]
    )


def _spus_put(
    ctx: Ctx,
    by_key: Mapping[SkuKey, GoodsRow],
    categories: Mapping[Path, CategoryId],
    brands: Mapping[str, BrandId],
) -> tuple[dict[store.SpuKey, SpuId], dict[SpuId, dict[str, list[Any]]]]:
    """Write the SPUs that are new or changed; give ids, and what changed of the old ones."""
    last_rows = {_spu_key(row): row for row in by_key.values()}
    wanted = {
        key: SpuFacts(
            row.title,
            categories[row.category],
            brands.get(row.brand),
            str(row.brand_kind) if row.brand else None,
            dict(row.attributes),
        )
        for key, row in last_rows.items()
    }
    known = store.spus_read(ctx, wanted)
    ids: dict[store.SpuKey, SpuId] = {}
    created: list[tuple[SpuId, store.SpuKey, SpuFacts]] = []
    updated: list[tuple[SpuId, SpuFacts]] = []
    changes: dict[SpuId, dict[str, list[Any]]] = {}
    for key, facts in wanted.items():
        found = known.get(key)
        if found is None:
            ids[key] = spu_id = SpuId(new_id(ctx.now))
            created.append((spu_id, key, facts))
            continue
        spu_id, before = found
        ids[key] = spu_id
        if before != facts:
            updated.append((spu_id, facts))
            changes[spu_id] = _changes(
                SPU_FIELDS,
                [getattr(before, name) for name in SPU_FIELDS],
                [getattr(facts, name) for name in SPU_FIELDS],
            )
    if created:
        store.spus_insert(ctx, created)
    if updated:
        store.spus_update(ctx, updated)
    return ids, changes


def _skus_put(
    ctx: Ctx,
    by_key: Mapping[SkuKey, GoodsRow],
    spus: Mapping[store.SpuKey, SpuId],
    spu_changes: Mapping[SpuId, dict[str, list[Any]]],
    initial: SkuState,
) -> GoodsPut:
    """Write the SKUs that are new or changed, with their histories."""
    known = store.skus_read_to_put(ctx, by_key)
    ids: dict[SkuKey, SkuId] = {}
    created, updated, history = [], [], []
    drafts: set[SkuId] = set()
    for key, row in by_key.items():
        spu_id = spus[_spu_key(row)]
        before = known.get(key)
        if before is None:
            ids[key] = sku_id = SkuId(new_id(ctx.now))
            terms = row.terms or TERMS_DEFAULT
            created.append(store.SkuWrite(sku_id, spu_id, row, terms, row.variant_values))
            continue
        sku_id = ids[key] = before.sku_id
        if before.state is SkuState.DRAFT:
            drafts.add(sku_id)
        terms = row.terms or before.terms
        changes = dict(spu_changes.get(spu_id, ())) if spu_changes else {}
        fields = _sku_fields(row)
        if before.spu_id != spu_id or before.fields != fields:
            changes |= _changes(
                ("spu_id", *store.SKU_FIELDS), (before.spu_id, *before.fields), (spu_id, *fields)
            )
        if terms != before.terms:
            changes |= _changes(store.TERM_FIELDS, _values(before.terms), _values(terms))
        variant = before.variant_values if row.variant_values is None else row.variant_values
        if (variant or None) != before.variant_values:
            changes["variant_values"] = [before.variant_values, variant]
        if changes:
            updated.append(store.SkuWrite(sku_id, spu_id, row, terms, variant))
            history.append((sku_id, new_id(ctx.now), before.state, changes))
    if created:
        store.skus_insert(ctx, created, initial)
    if updated:
        store.skus_update(ctx, updated)
        store.history_insert(ctx, "updated", history)
    _bundles_put(ctx, by_key, ids, known)
    created_ids = frozenset(sku.sku_id for sku in created)
    updated_ids = frozenset(sku.sku_id for sku in updated)
    return GoodsPut(
        sku_ids=ids,
        created=created_ids,
        updated=updated_ids,
        unchanged=frozenset(ids.values()) - created_ids - updated_ids,
        drafts=frozenset(drafts) | (created_ids if initial is SkuState.DRAFT else frozenset()),
    )


def _bundles_put(
    ctx: Ctx,
    by_key: Mapping[SkuKey, GoodsRow],
    ids: Mapping[SkuKey, SkuId],
    known: Mapping[SkuKey, store.SkuBefore],
) -> None:
    """Write what new bundles are made of; refuse another composition of one that exists.

    Raises: BundleFrozen; BundlePartUnfit.
    """
    bundles = {key: row for key, row in by_key.items() if row.parts}
    if not bundles:
        return
    keys = {
        (supplier_id, code) for (supplier_id, _), row in bundles.items() for code, _ in row.parts
    }
    singles = store.singles_by_key(ctx, keys)
    frozen = store.parts_read(ctx, [ids[key] for key in bundles])
    fresh: list[tuple[SkuId, BundlePart]] = []
    for key, row in bundles.items():
        parts = parts_checked(key, row.parts, singles)
        if key not in known:
            fresh += [(ids[key], part) for part in parts]
        elif frozen.get(ids[key], ()) != parts:
            raise BundleFrozen(supplier_code=key[1])
    if fresh:
        store.parts_insert(ctx, fresh)


def _values(terms: SaleTerms) -> list[Any]:
    """Give terms as they are written into a history."""
    values = [getattr(terms, name) for name in store.TERM_FIELDS]
    return [list(value) if isinstance(value, tuple) else value for value in values]


def _spu_key(row: GoodsRow) -> store.SpuKey:
    return row.supplier_id, row.spu_code or row.supplier_code


def _changes(
    names: Sequence[str], before: Sequence[Any], after: Sequence[Any]
) -> dict[str, list[Any]]:
    """Say which values changed, as they are written into a history: name to old and new."""
    return {
        name: [_plain(old), _plain(new)]
        for name, old, new in zip(names, before, after, strict=True)
        if old != new
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value


def _reading(ctx: Ctx, partner_id: PartyId | None) -> None:
    """Let a partner read for itself, and the operator for anyone."""
    ctx.require(SCOPE_READ if partner_id == ctx.actor.party_id else SCOPE_ADMIN)


def _after(cursor: str | None) -> UUID:
    return cursor_id(cursor) or BEFORE_ALL


def _pool_get(ctx: Ctx, pool_id: PoolId) -> Pool:
    pool = pools.pool_read(ctx, pool_id=pool_id)
    if pool is None:
        raise PoolUnknown(pool_id=id_text(POOL_PREFIX, pool_id))
    return pool


def announce_seen(
    ctx: Ctx, event_type: EventType, sku_ids: Sequence[SkuId], data: Mapping[str, str]
) -> None:
    """Tell the partners who see SKUs of something, each of those that it sees."""
    for partner_id, seen in _by_partner(ctx, sku_ids).items():
        _announce_skus(ctx, event_type, [partner_id], seen, data)


def _by_partner(ctx: Ctx, sku_ids: Sequence[SkuId]) -> dict[PartyId, list[SkuId]]:
    """Turn who sees what around: each partner's SKUs, both in order."""
    seeing = store.seeing(ctx, sku_ids)
    seen: dict[PartyId, list[SkuId]] = {}
    for sku_id in sorted(seeing):
        for partner_id in seeing[sku_id]:
            seen.setdefault(partner_id, []).append(sku_id)
    return {partner_id: seen[partner_id] for partner_id in sorted(seen)}


def _announce_pool(
    ctx: Ctx,
    event_type: EventType,
    pool_id: PoolId,
    sku_ids: Sequence[SkuId],
    states: Mapping[SkuId, SkuState],
) -> None:
    """Tell everyone who has the pool what came or went, but for what was never on the shelf.

    The platform is told of that as well.
    """
    listing.changes_tell(ctx, sku_ids=sku_ids)
    told = ids_sorted(sku_id for sku_id in sku_ids if states[sku_id] in SHOWN_STATES)
    if told:
        data = {"pool_id": id_text(POOL_PREFIX, pool_id)}
        _announce_skus(ctx, event_type, pools.pool_partners(ctx, pool_id), told, data)


def _announce_skus(
    ctx: Ctx,
    event_type: EventType,
    partner_ids: Sequence[PartyId],
    sku_ids: Sequence[SkuId],
    data: Mapping[str, str],
) -> None:
    """Tell partners of SKUs, a bounded number in each message."""
    if not partner_ids:
        return
    texts = ids_text(SKU_PREFIX, sku_ids)
    starts = range(0, len(texts), SKUS_PER_EVENT_MAX)
    told = [{**data, "sku_ids": texts[start : start + SKUS_PER_EVENT_MAX]} for start in starts]
    for partner_id in partner_ids:
        for part in told:
            ctx.announce(
                event_type,
                party_id=partner_id,
                subject=data.get("pool_id", part["sku_ids"][0]),
                data=part,
            )


def _announce_grant(ctx: Ctx, event_type: EventType, partner_id: PartyId, pool: Pool) -> None:
    pool_id = id_text(POOL_PREFIX, pool.id)
    ctx.announce(
        event_type,
        party_id=partner_id,
        subject=pool_id,
        data={"pool_id": pool_id, "name": pool.name},
    )
