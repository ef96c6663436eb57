"""The ground: every table of the first layer, as ``0001_ground.sql`` beside this file says.

Revision: 0001, the first.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Take the step."""
    # The role belongs to the server, not to one database: another world may have made it.
    op.execute(
        "DO $$ BEGIN CREATE ROLE weili_app NOLOGIN; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute("GRANT weili_app TO current_user")
    # Many statements in one text, which only the driver itself sends.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    cursor.close()
