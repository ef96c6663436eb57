"""Carriers and tracks.

Revision: 0010, after 0009.
"""

from weili.migrations.sql import run_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
