"""How Alembic reaches the database. Run by Alembic, never imported."""

import sqlalchemy as sa
from alembic import context

from weili.migrations import LOCK_TIMEOUT

_UPGRADE_LOCK = 7_305_002
# Since 16 a role that may make roles only administers what it makes, and works as none of them.
_ROLE_TAKE = """
DO $$ BEGIN
    IF NOT pg_has_role(current_user, 'weili_app', CASE
        WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
    ) THEN
        GRANT weili_app TO current_user;
    END IF;
END $$
"""


def run() -> None:
    """Run the steps that are due, under a lock so that two upgrades don't meet."""
    url = sa.make_url(context.config.attributes["url"]).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection, connection.begin():
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.configure(connection=connection, version_table_schema="public")
        with context.begin_transaction():
            context.run_migrations()
            connection.execute(sa.text(_ROLE_TAKE))
            _note_works_from(connection)


def _note_works_from(connection: sa.Connection) -> None:
    """Leave beside the step the oldest one whose code can work with what is there now.

    Each step names it for itself (``works_from``), or is fit for its own code alone; whoever skips
    several is held up by the strictest.
    """
    steps = context.script.walk_revisions()
    works_from = max(getattr(step.module, "works_from", step.revision) for step in steps)
    connection.execute(
        sa.text(
            "ALTER TABLE public.alembic_version ADD COLUMN IF NOT EXISTS works_from VARCHAR(32)"
        )
    )
    connection.execute(
        sa.text("UPDATE public.alembic_version SET works_from = :it"), {"it": works_from}
    )


run()
