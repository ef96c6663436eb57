"""The jobs: procrastinate's tables and functions, in a schema of their own.

Revision: 0002, after 0001.

The SQL is the one that the installed procrastinate ships, not a copy of it: its Python and its
SQL belong together, and requirements.lock names the one version of both. That version is noted on
the schema, so that the step which comes with a newer procrastinate knows from where to apply the
migrations that it ships for that. Its statements name no schema; they are found by the search
path, which the world's connections have (``kit/world.py``).
"""

from importlib.metadata import version

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Take the step."""
    op.execute("CREATE SCHEMA procrastinate")
    op.execute(f"COMMENT ON SCHEMA procrastinate IS 'procrastinate {version('procrastinate')}'")
    op.execute("SET LOCAL search_path = procrastinate")
    # Many statements in one text, which only the driver itself sends.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(SchemaManager.get_schema())
    cursor.close()
    op.execute("SET LOCAL search_path TO DEFAULT")
    op.execute("GRANT USAGE ON SCHEMA procrastinate TO weili_app")
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA procrastinate TO weili_app"
    )
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA procrastinate TO weili_app")
