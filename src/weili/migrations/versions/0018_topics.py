"""What is touched is noted by topic, for stock changes with every order.

Revision: 0018, after 0017.
"""

from weili.migrations.sql import run_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
