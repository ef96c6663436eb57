"""Validity, schedules and freight templates.

Revision: 0006, after 0005.
"""

from weili.migrations.sql import run_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
