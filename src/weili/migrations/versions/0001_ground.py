"""The ground: every table of the first layer, as ``0001_ground.sql`` beside this file says.

Revision: 0001, the first.
"""

from alembic import op

from weili.migrations.sql import run_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Take the step."""
    # The role belongs to the server, not to one database: another world, or a database's
    # administrator, may have made and granted it already; then no right to do so is needed.
    op.execute(
        "DO $$ BEGIN IF to_regrole('weili_app') IS NULL THEN CREATE ROLE weili_app NOLOGIN;"
        " END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute(
        "DO $$ BEGIN IF NOT pg_has_role(current_user, 'weili_app', 'MEMBER') THEN"
        " GRANT weili_app TO current_user; END IF; END $$"
    )
    run_beside(__file__)
