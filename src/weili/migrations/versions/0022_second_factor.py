"""A second factor may be asked for when somebody signs in.

Revision: 0022, after 0021.
"""

from weili.migrations.sql import run_beside

revision = "0022"
down_revision = "0021"
# It only adds. Old code asks for no code, but nobody has a second factor before new code serves.
works_from = "0020"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
