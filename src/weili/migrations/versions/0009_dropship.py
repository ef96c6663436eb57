"""The rest of an order's life.

Revision: 0009, after 0008.
"""

from weili.migrations.sql import run_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
