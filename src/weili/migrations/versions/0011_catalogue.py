"""The unified entry: selections and the feed.

Revision: 0011, after 0010.
"""

from weili.migrations.sql import run_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
