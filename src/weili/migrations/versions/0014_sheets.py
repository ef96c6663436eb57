"""What a sheet of goods writes costs less.

Revision: 0014, after 0013.
"""

from weili.migrations.sql import run_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
