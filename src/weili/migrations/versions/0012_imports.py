"""Remembered columns of import files.

Revision: 0012, after 0011.
"""

from weili.migrations.sql import run_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
