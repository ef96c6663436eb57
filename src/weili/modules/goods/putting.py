"""Goods are put in: the rows of suppliers become categories, brands, SPUs and SKUs."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from weili.kit.context import Ctx
from weili.kit.ids import new_id
from weili.modules.goods import listing
from weili.modules.goods.model import (
    SKU_STATES,
    TERMS_DEFAULT,
    BrandId,
    BundlePart,
    CategoryId,
    CategoryNames,
    GoodsPut,
    GoodsRow,
    SaleTerms,
    SkuId,
    SkuKey,
    SkuState,
    SpuFacts,
    SpuId,
)
from weili.modules.goods.problems import BundleFrozen
from weili.modules.goods.rules import parts_checked
from weili.modules.goods.store import categories as category_store
from weili.modules.goods.store import skus
from weili.modules.goods.store import writing as store

_SPU_FIELDS: Final = tuple(SpuFacts.__dataclass_fields__)
_sku_fields: Final = attrgetter(*store.SKU_FIELDS)


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


def _categories_put(ctx: Ctx, paths: set[CategoryNames]) -> dict[CategoryNames, CategoryId]:
    """Make what is missing level by level, and give every path's id."""
    ids: dict[CategoryNames, CategoryId] = {}
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
    categories: Mapping[CategoryNames, CategoryId],
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
                _SPU_FIELDS,
                [getattr(before, name) for name in _SPU_FIELDS],
                [getattr(facts, name) for name in _SPU_FIELDS],
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
    singles = skus.singles_by_key(ctx, keys)
    frozen = skus.parts_read(ctx, [ids[key] for key in bundles])
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
