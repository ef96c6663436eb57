"""Four levels of regions, with their changes.

Revision: 0004, after 0003.
"""

from weili.migrations.sql import run_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
