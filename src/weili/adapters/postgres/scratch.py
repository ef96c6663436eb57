"""Databases that are made for a while, on a server that others use too."""

import secrets
from typing import Final

import psycopg
from psycopg import sql

from weili.adapters.postgres import databases

CONNECT_TIMEOUT_S: Final = 10


def name_made(prefix: str) -> str:
    """Make a name that no database has."""
    return f"{prefix}_{secrets.token_hex(6)}"


def drop(url: str) -> None:
    """Drop the database that a URL names, and whoever is still connected to it.

    Raises: psycopg.Error, when the server can't be reached or the role may not.
    """
    name = databases.name_of(url)
    entrance = databases.url_with(url, database="postgres")
    with psycopg.connect(
        entrance, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
    ) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
