"""Whether this process is ready to trade, and where to begin."""

from collections.abc import Callable, Mapping
from typing import Final

import anyio.to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import respond
from weili.entrypoints.http.looking import Looking
from weili.entrypoints.http.placing import Placing
from weili.entrypoints.http.policy import CONSOLE_PATH
from weili.entrypoints.http.problems import RETRY_AFTER_S, problem_response
from weili.kit.problems import Kind, Problem, Said, Unavailable
from weili.kit.world import World
from weili.modules import regions

_PLACING: Final = Said(
    "the process that places orders is being started", "下单进程正在启动", "placing"
)
_LOOKING: Final = Said(
    "the processes that look up are being started", "查询进程正在启动", "looking"
)
_DATABASE: Final = Said("its database does not answer", "数据库没有响应", "database")
_SHAPE: Final = Said(
    "its database is not of a shape that this version works with; `weili db status` says more",
    "数据库结构与此版本不匹配；详见 `weili db status`",
    "shape",
)


class NotReady(Problem):
    """What a world can't trade without is not there at the moment. Health alone answers so."""

    kind = Kind.UNAVAILABLE
    code = "not_ready"
    en = "The world {world} is not ready: {why}. Ask again in {retry_after_s} s."
    zh = "{world} 环境尚未就绪：{why}。请在 {retry_after_s} 秒后再次查询。"
    repeatable = True

    def __init__(self, world: str, why: Said) -> None:
        """Say of which world it is true, and why."""
        super().__init__(world=world, why=why, retry_after_s=RETRY_AFTER_S)


def health_router(
    worlds: Mapping[str, World],
    *,
    placing: Placing,
    looking: Looking,
    is_fit: Callable[[World], bool],
) -> APIRouter:
    """Give the routes that need no key."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=answers.HealthOut)
    async def health(request: Request) -> Response:
        """Answer 200 when every world's database is ready, and orders and look-ups are taken."""
        try:
            for name, world in worlds.items():
                if not placing[name].is_ready:
                    raise NotReady(name, _PLACING)
                if not looking[name].is_ready:
                    raise NotReady(name, _LOOKING)
                await anyio.to_thread.run_sync(_check, name, world, is_fit)
        except Problem as problem:
            return problem_response(problem, request.scope["weili.language"])
        return respond({"status": "ready", "worlds": sorted(worlds)})

    @router.get("/", response_model=answers.WelcomeOut)
    async def welcome(request: Request) -> Response:
        """Say where to begin; a browser that a person opens is led to the console."""
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"{CONSOLE_PATH}/", status_code=303)
        return respond({"name": "weili", "openapi": "/openapi.json", "health": "/healthz"})

    return router


def _check(name: str, world: World, is_fit: Callable[[World], bool]) -> None:
    try:
        with world.begin() as ctx:
            has_ground = regions.COUNTRY in regions.regions_known(ctx, codes=[regions.COUNTRY])
        if has_ground and is_fit(world):
            return
    except Unavailable:
        raise NotReady(name, _DATABASE) from None
    raise NotReady(name, _SHAPE)
