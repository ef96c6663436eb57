"""A row of goods, price or stock asks less of the rows that all others share.

Revision: 0016, after 0015.
"""

from weili.migrations.sql import run_beside

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
