"""Turns, claims and pauses of suppliers.

Revision: 0003, after 0002.
"""

from weili.migrations.sql import run_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
