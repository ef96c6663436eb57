"""People are told what concerns them, and ask for a new password.

Revision: 0024, after 0023.
"""

from weili.migrations.sql import run_beside

revision = "0024"
down_revision = "0023"
# It only adds.
works_from = "0022"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
