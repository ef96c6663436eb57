"""The database's shape, as one linear history of steps that only go forward."""

from pathlib import Path
from typing import Final, NamedTuple

import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege

from weili.kit.problems import Kind, Problem

LOCK_TIMEOUT: Final = "10s"
"""A step that can't get its lock in this time gives up, rather than holding up all traffic."""

_HOME: Final = Path(__file__).parent
_DIGITS: Final = 4
"""The file of a step begins with its number."""
# As JSON: until its first upgrade by code that knows of it a database lacks the second column.
_REACHED: Final = (
    "SELECT version_num AS step, to_jsonb(one) ->> 'works_from' AS works_from"
    " FROM public.alembic_version AS one"
)


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


class StepUnclear(Problem):
    """The database names more than one step, which no upgrade leaves."""

    kind = Kind.UNAVAILABLE
    code = "step_unclear"
    en = (
        "The database {database} names several steps in `public.alembic_version` ({steps}), but it "
        "is at one. Restore a back-up, or delete the rows of the others if you know which."
    )
    zh = (
        "数据库 {database} 的 `public.alembic_version` 中有多个版本（{steps}），应只有一个。"
        "请恢复备份；若能确定实际版本，请删除其余各行。"
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


class Reached(NamedTuple):
    """How far a database is: the step, and the oldest step whose code can work with it."""

    step: str
    works_from: str

    @property
    def is_fit(self) -> bool:
        """Whether this code can work with it: at its own step, or at one that leaves it fit."""
        return self.works_from <= head() <= self.step


def reached(url: str) -> Reached | None:
    """Say how far a database is; None when it is empty.

    Raises: StepUnclear.
    """
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            if connection.scalar(sa.text("SELECT to_regclass('public.alembic_version')")) is None:
                return None
            found = connection.execute(sa.text(_REACHED)).all()
            if len(found) > 1:
                steps = sorted(row.step for row in found)
                raise StepUnclear(database=sa.make_url(url).database, steps=steps)
            return next((Reached(row.step, row.works_from or row.step) for row in found), None)
    finally:
        engine.dispose()


def current(url: str) -> str | None:
    """Name the step that a database has reached; None when it is empty."""
    found = reached(url)
    return None if found is None else found.step
