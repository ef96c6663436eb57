"""The database's shape, as one linear history of steps that only go forward."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

LOCK_TIMEOUT: Final = "10s"
"""A step that can't get its lock in this time gives up, rather than holding up all traffic."""


def upgrade(url: str) -> None:
    """Bring a database to the newest shape; one upgrade at a time, each step a transaction."""
    command.upgrade(_config(url), "head")


def head() -> str:
    """Name the newest step that this code knows."""
    return str(ScriptDirectory.from_config(_config("")).get_current_head())


def current(url: str) -> str | None:
    """Name the step that a database has reached; None when it is empty."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(
                connection, opts={"version_table_schema": "public"}
            ).get_current_revision()
    finally:
        engine.dispose()


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["url"] = url
    return config
