"""The ground: every table of the first layer, as ``0001_ground.sql`` beside this file says.

Revision: 0001, the first.
"""

from pathlib import Path

from alembic import op

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
    # Many statements in one text, which only the driver itself sends.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    cursor.close()
