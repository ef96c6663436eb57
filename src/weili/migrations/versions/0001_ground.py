"""The ground: every table of the first layer.

Revision: 0001, the first.
"""

import importlib
import pkgutil

from alembic import op
from sqlalchemy.schema import CreateSchema

from weili import modules
from weili.kit import idempotency, outbox, world  # noqa: F401
from weili.kit.db import CHANGING, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Take the step."""
    for module in pkgutil.iter_modules(modules.__path__):
        try:
            importlib.import_module(f"weili.modules.{module.name}.tables")
        except ModuleNotFoundError:
            continue
    op.execute(
        "DO $$ BEGIN CREATE ROLE weili_app NOLOGIN; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute("GRANT weili_app TO current_user")
    connection = op.get_bind()
    for schema in sorted({table.schema for table in metadata.tables.values() if table.schema}):
        connection.execute(CreateSchema(schema))
        op.execute(f"GRANT USAGE ON SCHEMA {schema} TO weili_app")
    metadata.create_all(connection)
    for table in metadata.tables.values():
        may = table.info.get("app_may", CHANGING)
        op.execute(f"GRANT {may} ON {table.schema}.{table.name} TO weili_app")
