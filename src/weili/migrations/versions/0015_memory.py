"""Who remembers goods and prices is told what to forget.

Revision: 0015, after 0014.
"""

from weili.migrations.sql import run_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
