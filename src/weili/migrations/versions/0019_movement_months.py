"""Movements are cut by month, so that old ones can be taken out of the database.

Revision: 0019, after 0018.
"""

from weili.migrations.sql import run_beside

revision = "0019"
down_revision = "0018"
works_from = "0018"  # It writes to the same name, and asks of no kind that it does not know.


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
