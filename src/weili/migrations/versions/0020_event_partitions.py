"""The log of events is cut by position, so that old stretches can be taken out of the database.

Revision: 0020, after 0019.
"""

from weili.migrations.sql import run_beside

revision = "0020"
down_revision = "0019"
works_from = "0018"  # It writes to the same name, and its relay alone makes positions.


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
