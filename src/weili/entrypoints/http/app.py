"""Puts the HTTP face together from worlds that are open already."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import anyio.to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from weili.adapters.files.media import MediaStore
from weili.adapters.mail import MailFolder
from weili.adapters.search import SearchIndex
from weili.entrypoints.http import (
    account,
    addresses,
    areas,
    catalogue,
    dashboard,
    exports,
    goods,
    goods_sheets,
    keys,
    messages,
    money,
    notices,
    operator_goods,
    operator_money,
    operator_orders,
    operator_parties,
    operator_price_changes,
    operator_prices,
    operator_records,
    operator_shelf,
    operator_tiers,
    operator_trade,
    operator_world,
    orders,
    papers,
    partner_orders,
    people,
    price_sheets,
    prices,
    reconciliation,
    selections,
    sku_names,
    stock,
    stock_tables,
    stock_works,
    supply,
    supply_costs,
    supply_goods,
    tracks,
)
from weili.entrypoints.http.applicants import applicant_router
from weili.entrypoints.http.auth import Doorkeeper
from weili.entrypoints.http.company import company_router
from weili.entrypoints.http.console import BUILT, console_router
from weili.entrypoints.http.front import Front, Straight
from weili.entrypoints.http.health import health_router
from weili.entrypoints.http.hot import hot_routes
from weili.entrypoints.http.hot_reads import hot_reads
from weili.entrypoints.http.looking import Looking, LookLanes
from weili.entrypoints.http.media import media_router
from weili.entrypoints.http.meter import Meter
from weili.entrypoints.http.openapi import openapi_of
from weili.entrypoints.http.operator_applications import application_router
from weili.entrypoints.http.placing import PlaceLanes, Placing
from weili.entrypoints.http.problems import (
    BodyUnreadable,
    MethodNotAllowed,
    PathUnknown,
    input_invalid,
    problem_response,
)
from weili.entrypoints.http.sandbox_mails import sandbox_mails_router
from weili.entrypoints.http.sessions import session_router
from weili.kit.problems import Problem
from weili.kit.world import World

FACES: Final = (
    addresses,
    areas,
    goods,
    prices,
    catalogue,
    selections,
    stock,
    stock_works,
    orders,
    partner_orders,
    account,
    exports,
    money,
    reconciliation,
    messages,
    supply,
    supply_goods,
    tracks,
    papers,
    people,
    keys,
    notices,
    price_sheets,
    operator_goods,
    supply_costs,
    operator_parties,
    operator_price_changes,
    operator_money,
    operator_prices,
    operator_shelf,
    operator_tiers,
    operator_trade,
    operator_world,
    operator_records,
    operator_orders,
    dashboard,
    goods_sheets,
    stock_tables,
    sku_names,
)


def create_app(
    *,
    worlds: Mapping[str, World],
    placing: Placing,
    looking: Looking,
    media: MediaStore,
    is_fit: Callable[[World], bool] = lambda _: True,
    indexes: Mapping[str, SearchIndex] = MappingProxyType({}),
    mails: Mapping[str, MailFolder] = MappingProxyType({}),
    meter: Meter | None = None,
    console: Path = BUILT,
) -> ASGIApp:
    """Make the application.

    ``placing`` and ``looking`` hold the lanes of each world, to be joined to the event loop and
    closed here. ``media`` is where the bytes of pictures lie. ``indexes`` are what is searched, by
    world; without one a search is refused as not ready. ``is_fit`` says whether a world's
    database is fit for this version. Threads are as many as the smallest pool has connections.
    ``mails`` holds what sandboxes would
    have sent. What is counted, ``meter`` shows. ``console`` is the folder of the console's build.
    """
    lanes: list[PlaceLanes | LookLanes] = [*placing.values(), *looking.values()]
    meter = meter or Meter()
    meter.watch(worlds, placing, looking)
    threads = min(world.connections for world in worlds.values())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads
        for lane in lanes:
            await lane.open()
        yield
        for lane in lanes:
            lane.close()

    app = FastAPI(
        title="Weili",
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    hot = hot_routes(placing)
    app.router.routes[:0] = hot
    for module in FACES:
        app.include_router(module.router)
    for router in (media_router(media), catalogue.search_router(indexes), console_router(console)):
        app.include_router(router)
    for with_files in (applicant_router, company_router, application_router):
        app.include_router(with_files(media))
    doorkeeper = Doorkeeper(worlds)
    app.include_router(sandbox_mails_router(mails))
    app.include_router(session_router(worlds, forget=doorkeeper.forget_sessions))
    app.include_router(health_router(worlds, placing=placing, looking=looking, is_fit=is_fit))
    document = openapi_of(app)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_get() -> Response:
        return Response(document(), media_type="application/json")

    for refusal in (Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(refusal, _refused)
    app.add_middleware(Front, doorkeeper=doorkeeper, meter=meter)
    straight: dict[tuple[str, str], ASGIApp] = {
        (method, route.path): route.app for route in hot for method in route.methods or ()
    }
    straight |= hot_reads(looking, app)
    fronts = {
        key: Front(each, doorkeeper=doorkeeper, meter=meter, hot_path=key[1])
        for key, each in straight.items()
    }
    return Straight(app, hot=fronts)


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _refused(request: Request, error: Exception) -> Response:
    """Answer what a route, the framework's validation, or its routing refuses."""
    headers = None
    match error:
        case Problem():
            problem: Problem = error
        case RequestValidationError():
            problem = input_invalid(error.errors())
        case HTTPException():
            problem = _as_problem(error, request)
            headers = error.headers
        case _:
            raise error
    return problem_response(problem, _language(request), headers=headers)


def _as_problem(error: HTTPException, request: Request) -> Problem:
    path = request.scope["path"]
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed(path=path, method=request.method)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return PathUnknown(path=path)
    return BodyUnreadable(why=str(error.detail))


def _language(request: Request) -> str:
    language: Any = request.scope["weili.language"]
    return str(language)
