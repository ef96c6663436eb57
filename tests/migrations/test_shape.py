"""The migrations and the table definitions say the same, down to what the application may do."""

import importlib
import os
import pkgutil
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from weili import migrations, modules
from weili.kit import idempotency, memory, outbox, partitions, world
from weili.kit.db import CHANGING, metadata

KIT = (idempotency, memory, outbox, partitions, world)
"""Imported for the tables that they define."""

for _module in pkgutil.iter_modules(modules.__path__):
    importlib.import_module(f"weili.modules.{_module.name}.tables")


PARTITIONS = "SELECT oid::regclass::text FROM pg_class WHERE relispartition AND relkind = 'r'"


def test_a_migrated_database_has_exactly_the_tables_that_the_code_defines(database: str) -> None:
    engine = sa.create_engine(sa.make_url(database).set(drivername="postgresql+psycopg"))
    schemas = {table.schema for table in metadata.tables.values()}
    with engine.connect() as connection:
        partitions = set(connection.scalars(sa.text(PARTITIONS)))

        def ours(name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
            if kind == "table":
                return f"{parents['schema_name']}.{name}" not in partitions
            return kind != "schema" or name in schemas

        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": ours,
                "compare_type": True,
                "version_table_schema": "public",
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_each_check_constraint_is_there_under_its_name(database: str) -> None:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT n.nspname || '.' || t.relname, c.conname FROM pg_constraint c"
            " JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
            " WHERE c.contype = 'c' AND n.nspname NOT IN ('procrastinate', 'public')"
            " AND NOT t.relispartition"
        ).fetchall()
    preparer = sa.dialects.postgresql.dialect().identifier_preparer
    defined = {
        (table.fullname, str(preparer.format_constraint(constraint)))
        for table in metadata.tables.values()
        for holder in (table, *table.columns)
        for constraint in holder.constraints
        if isinstance(constraint, sa.CheckConstraint)
    }
    assert set(rows) == defined


def test_the_application_may_do_what_each_table_says_and_nothing_else(database: str) -> None:
    with psycopg.connect(database) as connection:
        partitions = {name for (name,) in connection.execute(PARTITIONS)}
        rows = connection.execute(
            "SELECT table_schema || '.' || table_name, array_agg(privilege_type::text)"
            " FROM information_schema.role_table_grants WHERE grantee = 'weili_app'"
            " AND table_schema <> 'procrastinate' GROUP BY 1"
        ).fetchall()
    granted = {name: frozenset(privileges) for name, privileges in rows}
    defined = {
        f"{table.schema}.{table.name}": frozenset(table.info.get("app_may", CHANGING).split(", "))
        for table in metadata.tables.values()
    }
    # A partition is reached through its table alone; the default one is looked into by `verify`.
    spare = {name: frozenset({"SELECT"}) for name in partitions if name.endswith("_default")}
    assert set(spare) == {"inventory.movement_default", "kit.event_default"}
    assert granted == defined | spare


def test_the_application_owns_nothing(database: str) -> None:
    with psycopg.connect(database) as connection:
        [[owned]] = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = 'weili_app'::regrole"
        ).fetchall()
    assert owned == 0


def test_upgrading_again_changes_nothing(database: str) -> None:
    assert migrations.current(database) == migrations.head()
    migrations.upgrade(database)
    assert migrations.current(database) == migrations.head()


def test_each_step_names_a_step_before_it_whose_code_can_go_on_or_none() -> None:
    versions = Path(migrations.__file__).parent / "versions"
    known = []
    for file in sorted(versions.glob("[0-9]*.py")):
        step = runpy.run_path(str(file))
        known.append(step["revision"])
        assert step.get("works_from", step["revision"]) in known, file.name
    assert known[-1] == migrations.head()


@pytest.fixture
def owned(server_url: str) -> Iterator[str]:
    """Give the URL of a database whose owner is no superuser and has no part in any other role."""
    role = f"weili_test_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
        connection.execute(f"CREATE DATABASE {role} OWNER {role}")
    url = sa.make_url(server_url).set(username=role, password="secret", database=role)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {role} WITH (FORCE)")
            connection.execute(f"DROP ROLE {role}")


def test_a_role_that_may_make_no_role_is_told_what_its_administrator_must_do(
    server_url: str, owned: str
) -> None:
    role = sa.make_url(owned).username
    with pytest.raises(migrations.RoleMissing, match=f'GRANT weili_app TO "{role}"'):
        migrations.upgrade(owned)
    assert migrations.current(owned) is None

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"GRANT weili_app TO {role}")
    migrations.upgrade(owned)
    assert migrations.current(owned) == migrations.head()


def test_a_role_that_only_administers_the_applications_takes_it_on(
    server_url: str, owned: str
) -> None:
    """So it stands where a role with CREATEROLE, and no superuser, made it on 16 or later."""
    role = sa.make_url(owned).username
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"GRANT weili_app TO {role} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")

    migrations.upgrade(owned)

    with psycopg.connect(owned) as connection:
        connection.execute("SET ROLE weili_app")
        assert connection.execute("SELECT current_user").fetchone() == ("weili_app",)
