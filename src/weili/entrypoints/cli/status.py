"""``weili status``: what runs, as far as it can be seen from here, and how far each database is.

Who runs is noted nowhere but by ``weili up``. Of servers and workers that somebody started by hand,
or a service manager did, this is told: who answers at the address that ``serve`` would have here,
and whether a worker is connected to a world's database, from whichever machine.
"""

import json
import os
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import JsonOption

if TYPE_CHECKING:
    from weili.bootstrap import Settings

ASK_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 4096


def status(as_json: JsonOption = False) -> None:
    """Say what runs, and how far each world's database is. Changes and starts nothing.

    A server is looked for where WEILI_HOST and WEILI_PORT say, a worker among those who are
    connected to the database.
    """
    from weili import bootstrap, migrations
    from weili.adapters.postgres import EmbeddedPostgresError, databases, embedded
    from weili.entrypoints.cli.up import running
    from weili.kit.world import worker_name

    settings = bootstrap.Settings.read(os.environ)
    is_embedded = settings.database_url is None
    server, is_hidden = None, False
    try:
        server = embedded.status(settings.postgres_home) if is_embedded else None
    except EmbeddedPostgresError as error:
        is_hidden = True
        say.note(f"weili: {error}", f"weili：{error}")
    worlds: dict[str, dict[str, Any]] = {
        name: {"schema": None, "has_worker": None} for name in settings.worlds
    }
    is_there = server is not None or not is_embedded
    for name, url in bootstrap.database_urls(settings, server).items() if is_there else ():
        worlds[name]["schema"] = bootstrap.schema_step(name, url)
        if worlds[name]["schema"] is not None:
            worlds[name]["has_worker"] = databases.is_named(url, worker_name(name))
    up = running(settings)
    found: dict[str, Any] = {
        "running": up,
        "api": _api(settings, up),
        "database": "embedded" if is_embedded else "by URL",
        "database_runs": None if is_hidden else is_there,
        "home": str(settings.home),
        "schema_needed": migrations.head(),
        "worlds": worlds,
    }
    if as_json:
        say.document(found)
    else:
        _told(found)


def _api(settings: "Settings", up: dict[str, Any] | None) -> dict[str, Any]:
    """Say where the API should be, and whether it answers there and is ready."""
    from weili.entrypoints.cli.up import reachable

    host = reachable(settings.host)
    host = f"[{host}]" if ":" in host else host
    url = (up or {}).get("url") or f"http://{host}:{settings.port}"
    return {"url": url, "is_ready": _is_ready(url)}


def _is_ready(url: str) -> bool | None:
    """Ask whoever answers; None when nobody does, or somebody else."""
    at = urlsplit(url)
    connection = HTTPConnection(at.hostname or "", at.port, timeout=ASK_S)
    try:
        connection.request("GET", "/")
        match json.loads(connection.getresponse().read(ANSWER_BYTES_MAX)):
            case {"name": "weili"}:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return None


def _told(found: dict[str, Any]) -> None:
    up, api, worlds = found["running"], found["api"], found["worlds"]
    if up and up["url"]:
        say.line(
            f"`weili up` runs (pid {up['pid']}).", f"`weili up` 正在运行（进程 {up['pid']}）。"
        )
    elif up:
        say.line("`weili up` is starting.", "`weili up` 正在启动。")
    elif api["is_ready"] is not None or any(one["has_worker"] for one in worlds.values()):
        say.line("Weili runs, but not by `weili up`.", "微力正在运行，但并非由 `weili up` 启动。")
    else:
        say.line("Weili does not run; `weili up` starts it.", "微力未运行；可用 `weili up` 启动。")
    how = {
        True: ("ready", "已就绪"),
        False: ("answers, but is not ready; /healthz says why", "有响应但未就绪；原因见 /healthz"),
        None: ("nobody answers", "无响应"),
    }
    en, zh = how[api["is_ready"]]
    say.line(f"API: {api['url']} ({en})", f"接口：{api['url']}（{zh}）")
    say.line(f"State: {found['home']}", f"数据目录：{found['home']}")
    say.table(
        [
            ("world", "环境"),
            ("schema", "数据库版本"),
            ("needed", "需要版本"),
            ("worker", "后台进程"),
        ],
        [
            (name, one["schema"] or "-", found["schema_needed"], _worker(one["has_worker"]))
            for name, one in worlds.items()
        ],
    )


def _worker(is_connected: bool | None) -> str:
    if is_connected is None:
        return "-"
    return say.words("connected", "已连接") if is_connected else say.words("none", "无")
