"""Whether this process is ready to trade, and where to begin."""

from collections.abc import Callable, Iterable, Mapping

import anyio.to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import respond
from weili.entrypoints.http.looking import LookLanes
from weili.entrypoints.http.placing import PlaceLane
from weili.entrypoints.http.problems import problem_response
from weili.kit.problems import Problem, Unavailable
from weili.kit.world import World
from weili.modules import regions


def health_router(
    worlds: Mapping[str, World],
    *,
    lanes: Iterable[PlaceLane | LookLanes],
    is_current: Callable[[World], bool],
) -> APIRouter:
    """Give the routes that need no key."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=answers.HealthOut)
    async def health(request: Request) -> Response:
        """Answer 200 when every world's database is ready, and orders and look-ups are taken."""
        try:
            if not all(lane.is_ready for lane in lanes):
                raise Unavailable(retry_after_s=1)
            for world in worlds.values():
                await anyio.to_thread.run_sync(_check, world, is_current)
        except Problem as problem:
            return problem_response(problem, request.scope["weili.language"])
        return respond({"status": "ready", "worlds": sorted(worlds)})

    @router.get("/", response_model=answers.WelcomeOut)
    async def welcome() -> Response:
        """Say what this is and where its document lies."""
        return respond({"name": "weili", "openapi": "/openapi.json", "health": "/healthz"})

    return router


def _check(world: World, is_current: Callable[[World], bool]) -> None:
    with world.begin() as ctx:
        has_ground = regions.COUNTRY in regions.regions_known(ctx, codes=[regions.COUNTRY])
    if not has_ground or not is_current(world):
        raise Unavailable(retry_after_s=1)
