"""Deposits, withdrawals and alarms.

Revision: 0008, after 0007.
"""

from weili.migrations.sql import run_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
