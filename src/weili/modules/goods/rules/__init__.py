"""Pure decisions about goods."""

from weili.modules.goods.rules.media import MEDIA_BYTES_MAX, media_facts
from weili.modules.goods.rules.proposal import (
    MEDIA_MAX,
    SKUS_MAX,
    proposal_faults,
    proposal_rows,
)
from weili.modules.goods.rules.proposal_sheet import (
    PROPOSAL_ALIASES,
    PROPOSAL_COLUMNS,
    PROPOSAL_REQUIRED,
    PROPOSAL_ROWS_MAX,
    ProposalRow,
    ProposalSheet,
    proposal_of,
    variants_expected,
)
from weili.modules.goods.rules.sale import is_sold_to, line_check, parts_checked, terms_faults
from weili.modules.goods.rules.sheet import (
    CATEGORY_KNOWN,
    GOT_MAX,
    LEVELS_MAX,
    SHEET_ALIASES,
    SHEET_COLUMNS,
    SHEET_REQUIRED,
    SheetCheck,
    category_checked,
    category_parts,
    problems_headed,
    row_check,
)
from weili.modules.goods.rules.template import (
    CHOICES_MAX,
    TEMPLATE_MAX,
    template_faults,
    template_merged,
)

__all__ = [
    "CATEGORY_KNOWN",
    "CHOICES_MAX",
    "GOT_MAX",
    "LEVELS_MAX",
    "MEDIA_BYTES_MAX",
    "MEDIA_MAX",
    "PROPOSAL_ALIASES",
    "PROPOSAL_COLUMNS",
    "PROPOSAL_REQUIRED",
    "PROPOSAL_ROWS_MAX",
    "SHEET_ALIASES",
    "SHEET_COLUMNS",
    "SHEET_REQUIRED",
    "SKUS_MAX",
    "TEMPLATE_MAX",
    "ProposalRow",
    "ProposalSheet",
    "SheetCheck",
    "category_checked",
    "category_parts",
    "is_sold_to",
    "line_check",
    "media_facts",
    "parts_checked",
    "problems_headed",
    "proposal_faults",
    "proposal_of",
    "proposal_rows",
    "row_check",
    "template_faults",
    "template_merged",
    "terms_faults",
    "variants_expected",
]
