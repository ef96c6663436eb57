"""Regions: the country's provinces, cities, counties and towns by their codes."""

from weili.modules.regions.events import EVENTS
from weili.modules.regions.gazetteer import Gazetteer
from weili.modules.regions.model import (
    COUNTRY,
    Change,
    ChangeKind,
    ChangeRow,
    Refreshed,
    Region,
    RegionLevel,
)
from weili.modules.regions.paste import Parted, paste_part
from weili.modules.regions.problems import RegionUnknown
from weili.modules.regions.resolving import TEXT_MAX, Alternative, Resolved, resolve
from weili.modules.regions.rules import (
    ancestors,
    codes_above,
    is_code,
    is_grouping,
    level_of,
    lineage,
    parent_of,
)
from weili.modules.regions.service import (
    change_announce,
    change_page,
    full_name,
    full_names,
    gazetteer_read,
    region_children,
    region_get,
    region_successors,
    regions_addressable,
    regions_addressable_asked,
    regions_known,
    regions_refresh,
    regions_seed,
    verify,
    vintage,
)

__all__ = [
    "COUNTRY",
    "EVENTS",
    "TEXT_MAX",
    "Alternative",
    "Change",
    "ChangeKind",
    "ChangeRow",
    "Gazetteer",
    "Parted",
    "Refreshed",
    "Region",
    "RegionLevel",
    "RegionUnknown",
    "Resolved",
    "ancestors",
    "change_announce",
    "change_page",
    "codes_above",
    "full_name",
    "full_names",
    "gazetteer_read",
    "is_code",
    "is_grouping",
    "level_of",
    "lineage",
    "parent_of",
    "paste_part",
    "region_children",
    "region_get",
    "region_successors",
    "regions_addressable",
    "regions_addressable_asked",
    "regions_known",
    "regions_refresh",
    "regions_seed",
    "resolve",
    "verify",
    "vintage",
]
