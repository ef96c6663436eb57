"""People sign in: passwords, sessions, and how often somebody has tried.

Revision: 0021, after 0020.
"""

from weili.migrations.sql import run_beside

revision = "0021"
down_revision = "0020"
works_from = "0020"  # It only adds; old code lets in nobody but keys, as it did.


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
