"""${message}.

Revision: ${up_revision}, after ${down_revision | comma,n}.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# works_from = ${repr(down_revision)}  # if that code can go on with what this step leaves


def upgrade() -> None:
    """Take the step."""
    ${upgrades if upgrades else "op.execute('')"}
