"""Regions: the country's provinces, cities, counties and towns by their codes."""

from weili.modules.regions.model import COUNTRY, Region, RegionLevel
from weili.modules.regions.problems import RegionUnknown
from weili.modules.regions.rules import (
    ancestors,
    codes_above,
    is_code,
    is_grouping,
    level_of,
    parent_of,
)
from weili.modules.regions.service import (
    full_name,
    full_names,
    region_children,
    region_get,
    regions_addressable,
    regions_addressable_asked,
    regions_known,
    regions_seed,
    verify,
)

__all__ = [
    "COUNTRY",
    "Region",
    "RegionLevel",
    "RegionUnknown",
    "ancestors",
    "codes_above",
    "full_name",
    "full_names",
    "is_code",
    "is_grouping",
    "level_of",
    "parent_of",
    "region_children",
    "region_get",
    "regions_addressable",
    "regions_addressable_asked",
    "regions_known",
    "regions_seed",
    "verify",
]
