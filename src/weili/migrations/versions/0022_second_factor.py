"""A second factor may be asked for when somebody signs in.

Revision: 0022, after 0021.
"""

from weili.migrations.sql import run_beside

revision = "0022"
down_revision = "0021"
# It only adds. Code of 0020 lets in nobody but keys. That of 0021, which no version had as its
# last step, lets people in and asks for no code: docs/howto/run-in-production.md tells what to do.
works_from = "0020"


def upgrade() -> None:
    """Take the step."""
    run_beside(__file__)
