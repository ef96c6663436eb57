"""The verbs of imports."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.problems import NotFound
from weili.modules.goods import SkuId, category_paths
from weili.modules.imports import rules, store
from weili.modules.imports.model import SheetMapping, Sighting
from weili.modules.imports.problems import MAPPING_WORD, MappingsTooMany

MAPPINGS_MAX: Final = 200
DAYS_MAX: Final = timedelta(days=400)


def mapping_put(ctx: Ctx, *, party_id: PartyId, name: str, text: bytes) -> SheetMapping:
    """Save a mapping under a name; one of that name is replaced.

    What it makes of a file's categories must be categories that there are: a slip there would else
    make new ones with the first import.

    Raises: Forbidden; MappingUnreadable; InputInvalid; MappingsTooMany.
    """
    ctx.require("admin:goods")
    name = rules.name_checked(name)
    columns = rules.columns_read(text)
    if rules.has_own_categories(columns):
        rules.categories_check(columns, frozenset(category_paths(ctx)))
    known = {one.name for one in store.mappings_read(ctx, party_id=party_id, limit=MAPPINGS_MAX)}
    if name not in known and len(known) >= MAPPINGS_MAX:
        raise MappingsTooMany(bound=MAPPINGS_MAX)
    store.mapping_upsert(ctx, party_id=party_id, name=name, columns=columns)
    return SheetMapping(party_id, name, columns, ctx.now)


def mapping_get(ctx: Ctx, *, party_id: PartyId, name: str) -> SheetMapping:
    """Give a mapping.

    Raises: Forbidden; NotFound.
    """
    ctx.require("admin:goods")
    found = store.mapping_read(ctx, party_id=party_id, name=name.strip())
    if found is None:
        raise NotFound(what=MAPPING_WORD, id=name)
    return found


def mapping_list(ctx: Ctx, *, party_id: PartyId) -> list[SheetMapping]:
    """Give a party's mappings by name; there are at most ``MAPPINGS_MAX``.

    Raises: Forbidden.
    """
    ctx.require("admin:goods")
    return store.mappings_read(ctx, party_id=party_id, limit=MAPPINGS_MAX)


def mapping_remove(ctx: Ctx, *, party_id: PartyId, name: str) -> None:
    """Remove a mapping.

    Raises: Forbidden; NotFound.
    """
    ctx.require("admin:goods")
    if not store.mapping_delete(ctx, party_id=party_id, name=name.strip()):
        raise NotFound(what=MAPPING_WORD, id=name)


def last_seen(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, tuple[date, int | None]]:
    """Give for each SKU that daily files told of the last day, and the sales counted by then."""
    return store.last_seen(ctx, sku_ids)


def sightings_add(ctx: Ctx, *, sightings: Sequence[Sighting]) -> int:
    """Keep what a daily file says; a day that was told before stays as it is. Gives the new ones.

    Raises: Forbidden.
    """
    ctx.require("admin:goods")
    return store.sightings_insert(ctx, sightings) if sightings else 0


def sightings_of(ctx: Ctx, *, sku_id: SkuId, from_on: date, to_on: date) -> list[Sighting]:
    """Give what daily files said of an SKU, day by day; of 400 days at most.

    Raises: Forbidden.
    """
    ctx.require("admin:goods")
    return store.sightings_read(
        ctx, sku_id=sku_id, from_on=max(from_on, to_on - DAYS_MAX), to_on=to_on
    )
