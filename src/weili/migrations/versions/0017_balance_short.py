"""Whether a partner was told that its balance covered no order.

Revision: 0017, after 0016.
"""

from weili.migrations.sql import run_beside

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
