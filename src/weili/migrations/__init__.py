"""The database's shape, as one linear history of steps that only go forward."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege

from weili.kit.problems import Kind, Problem

LOCK_TIMEOUT: Final = "10s"
"""A step that can't get its lock in this time gives up, rather than holding up all traffic."""

_HOME: Final = Path(__file__).parent
_DIGITS: Final = 4
"""The file of a step begins with its number."""


class RoleMissing(Problem):
    """The database lacks the application's role, and we may not make it."""

    kind = Kind.FORBIDDEN
    code = "database_role_missing"
    en = (
        "The application works as the role weili_app, which {user} may not make. Let an "
        "administrator of the database server run once: CREATE ROLE weili_app NOLOGIN; "
        'GRANT weili_app TO "{user}";'
    )
    zh = (
        "应用以数据库角色 weili_app 运行，而 {user} 无权创建该角色。请数据库管理员执行一次："
        'CREATE ROLE weili_app NOLOGIN; GRANT weili_app TO "{user}";'
    )


def upgrade(url: str) -> None:
    """Bring a database to the newest shape; one upgrade at a time, each step a transaction.

    Raises: RoleMissing.
    """
    # Here alone: whoever only asks which step there is starts a tenth of a second sooner.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_HOME).replace("%", "%%"))
    config.attributes["url"] = url
    try:
        command.upgrade(config, "head")
    except sa.exc.ProgrammingError as error:
        if isinstance(error.orig, InsufficientPrivilege) and "role" in str(error.orig):
            raise RoleMissing(user=sa.make_url(url).username) from error
        raise


def head() -> str:
    """Name the newest step that this code knows; a health check asks each time."""
    return max(step.name[:_DIGITS] for step in _HOME.glob("versions/[0-9]*.py"))


def current(url: str) -> str | None:
    """Name the step that a database has reached; None when it is empty."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            if connection.scalar(sa.text("SELECT to_regclass('public.alembic_version')")) is None:
                return None
            step: str | None = connection.scalar(
                sa.text("SELECT version_num FROM public.alembic_version")
            )
            return step
    finally:
        engine.dispose()
