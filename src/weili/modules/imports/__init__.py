"""Imports: mappings of columns, and what daily files told."""

from weili.modules.imports.model import (
    DAILY_COLUMNS,
    Columns,
    Rule,
    SheetMapping,
    Sighting,
    Unit,
)
from weili.modules.imports.problems import MAPPING_WORD, MappingsTooMany, MappingUnreadable
from weili.modules.imports.rules import (
    columns_read,
    columns_write,
    day_read,
    has_own_categories,
    headings_named,
    headings_of,
    html_text,
    mapped,
)
from weili.modules.imports.service import (
    MAPPINGS_MAX,
    last_seen,
    mapping_get,
    mapping_list,
    mapping_put,
    mapping_remove,
    sightings_add,
    sightings_of,
)

__all__ = [
    "DAILY_COLUMNS",
    "MAPPINGS_MAX",
    "MAPPING_WORD",
    "Columns",
    "MappingUnreadable",
    "MappingsTooMany",
    "Rule",
    "SheetMapping",
    "Sighting",
    "Unit",
    "columns_read",
    "columns_write",
    "day_read",
    "has_own_categories",
    "headings_named",
    "headings_of",
    "html_text",
    "last_seen",
    "mapped",
    "mapping_get",
    "mapping_list",
    "mapping_put",
    "mapping_remove",
    "sightings_add",
    "sightings_of",
]
