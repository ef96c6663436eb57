"""The verbs on regions. The list is public, so none asks for a scope but the seeding."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.findings import Finding
from weili.kit.pages import LIMIT_DEFAULT, LIMIT_MAX
from weili.modules.regions import rules, source, store
from weili.modules.regions.events import AREA_CHANGED
from weili.modules.regions.gazetteer import Gazetteer, gazetteer_of
from weili.modules.regions.model import ChangeRow, Refreshed, Region
from weili.modules.regions.problems import RegionUnknown


def regions_seed(ctx: Ctx) -> int:
    """Bring the list to the edition that is installed, unless it is there already.

    Says how many rows were new or different; see ``regions_refresh`` for what it keeps.
    """
    ctx.require("admin:world")
    if store.vintage(ctx) == source.vintage():
        return 0
    return regions_refresh(ctx).rows


def regions_refresh(ctx: Ctx) -> Refreshed:
    """Bring the list to the edition that is installed, row by row, and append what changed.

    A code that is no longer in force stays, with the year that ended it and the codes that took
    its place, since old orders name it. Doing it again changes nothing.
    """
    ctx.require("admin:world")
    store.refresh_lock(ctx)
    edition = source.edition_read()
    before = {r.code: r for r in store.region_all(ctx) if r.until_year is None}
    after = rules.regions_of(edition)
    rows = store.regions_put(ctx, regions=after)
    rows += store.regions_end(ctx, vintage=edition.vintage, year=ctx.now.year)
    store.successions_put(ctx, successions=rules.successions_of(edition))
    told = [row.change for row in store.change_all(ctx)]
    changes = rules.changes_new(
        told, [*edition.changes, *rules.changes_between(before, after, year=ctx.now.year)]
    )
    appended = store.changes_insert(ctx, changes=changes, vintage=edition.vintage)
    return Refreshed(edition.vintage, rows, appended)


def change_announce(
    ctx: Ctx, *, changes: Sequence[ChangeRow], party_ids: Iterable[PartyId]
) -> None:
    """Tell parties that the feed of changes has grown."""
    ctx.require("admin:world")
    if not changes:
        return
    data = {
        "after": changes[0].position - 1,
        "through": changes[-1].position,
        "vintage": changes[-1].vintage,
    }
    for party_id in party_ids:
        ctx.announce(AREA_CHANGED, party_id=party_id, subject="areas", data=data)


def change_page(ctx: Ctx, *, after: int = 0, limit: int = LIMIT_DEFAULT) -> list[ChangeRow]:
    """Give the changes of the list after a position, oldest first."""
    return store.change_page(ctx, after=after, limit=min(limit, LIMIT_MAX))


def vintage(ctx: Ctx) -> str | None:
    """Say to which edition the list was brought last; None before the first seeding."""
    return store.vintage(ctx)


def gazetteer_read(ctx: Ctx) -> Gazetteer:
    """Make the gazetteer of the list as it is: half a second's work and about 55 MB, to be kept."""
    return gazetteer_of(
        store.region_all(ctx),
        successions=store.successions(ctx),
        changes=[row.change for row in store.change_all(ctx)],
    )


def region_get(ctx: Ctx, *, code: str) -> Region:
    """Give one region.

    Raises: RegionUnknown.
    """
    region = store.region_read(ctx, code=code)
    if region is None:
        raise RegionUnknown(region=code)
    return region


def region_successors(ctx: Ctx, *, code: str) -> tuple[str, ...]:
    """Give the codes in force that took the place of one; none if it is in force itself."""
    return store.successors(ctx, code=code)


def region_children(ctx: Ctx, *, code: str) -> list[Region]:
    """Give the regions in force directly below one, by code; none below a town.

    Raises: RegionUnknown.
    """
    children = store.region_children(ctx, code=code)
    if not children:
        region_get(ctx, code=code)
    return children


def regions_known(ctx: Ctx, *, codes: Collection[str]) -> frozenset[str]:
    """Give those of the codes that name a region; any text may be asked for."""
    # PostgreSQL takes no NUL in a text, and a caller may be passing on what a stranger sent.
    return store.regions_known(ctx, codes=[code for code in codes if rules.is_code(code)])


def regions_ended(ctx: Ctx, *, codes: Collection[str]) -> frozenset[str]:
    """Give those of the codes that no address can be in any more."""
    return store.regions_ended(ctx, codes=codes)


def areas_below(ctx: Ctx, *, code: str) -> list[str]:
    """Give the codes in force, at or below one, that an address can be in."""
    return store.areas_below(ctx, code=code)


def regions_addressable(ctx: Ctx, *, codes: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Give those of the codes that an address can be in: towns, counties, cities without any.

    With each, the codes that took its place: none for a code that is in force.
    """
    return regions_addressable_asked(ctx, codes=codes)()


def regions_addressable_asked(
    ctx: Ctx, *, codes: Collection[str]
) -> Asked[Mapping[str, tuple[str, ...]]]:
    """Ask what ``regions_addressable`` gives, without waiting for it."""
    return store.regions_addressable(ctx, codes=[code for code in codes if rules.is_code(code)])


def full_name(ctx: Ctx, *, code: str) -> str:
    """Write a region's name with all above it: 浙江省杭州市西湖区.

    Raises: RegionUnknown.
    """
    names = full_names(ctx, codes=[code])
    if code not in names:
        raise RegionUnknown(region=code)
    return names[code]


def full_names(ctx: Ctx, *, codes: Collection[str]) -> dict[str, str]:
    """Write the full names of those of the codes that name a region, in one statement."""
    asked = {code: rules.ancestors(code) for code in codes if rules.is_code(code)}
    names = store.names(ctx, codes={above for line in asked.values() for above in line})
    return {code: rules.name_joined(names, code) for code in asked if code in names}


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find regions whose place in the tree is not the one their code says."""
    regions = list(store.region_all(ctx))
    if not regions:
        yield Finding("regions_seeded", "regions.region", "the list is empty", "seed the regions")
    for region in regions:
        if (region.parent_code, region.level) != (
            rules.parent_of(region.code),
            rules.level_of(region.code),
        ):
            yield Finding(
                "region_in_place",
                f"region {region.code}",
                f"lies at level {region.level} below {region.parent_code}",
                "seed the regions again",
            )
    in_force = {region.code for region in regions if region.until_year is None}
    for code, successors in store.successions(ctx).items():
        if code in in_force or not in_force.issuperset(successors):
            yield Finding(
                "region_succeeded",
                f"region {code}",
                f"was succeeded by {', '.join(successors)}",
                "refresh the regions",
            )
