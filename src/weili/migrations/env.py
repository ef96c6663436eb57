"""How Alembic reaches the database. Run by Alembic, never imported."""

import sqlalchemy as sa
from alembic import context

from weili.migrations import LOCK_TIMEOUT

_UPGRADE_LOCK = 7_305_002


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


run()
