"""Shares, arrivals, transfers, counts and promises.

Revision: 0007, after 0006.
"""

from weili.migrations.sql import run_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
