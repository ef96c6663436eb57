"""Orders are found by their state, and by their partner's number alone.

Revision: 0025, after 0024.
"""

from weili.migrations.sql import run_beside

revision = "0025"
down_revision = "0024"
works_from = "0022"  # It adds indexes and nothing else.


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
