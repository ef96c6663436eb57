"""The last transaction price of each day.

Revision: 0013, after 0012.
"""

from weili.migrations.sql import run_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
