"""The country's provinces, cities, counties and towns, and how the list of them changes."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from weili.entrypoints.http import area_answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.fields import AreaIn, LimitIn
from weili.kit.context import Ctx
from weili.kit.pages import LIMIT_DEFAULT
from weili.modules import regions

router = APIRouter(tags=["areas"])
_POSITION_MAX: Final = 2**53


@router.get("/v1/areas", response_model=area_answers.AreasOut)
def area_children(
    call: CallIn,
    parent: Annotated[AreaIn, Query(description="the country if none")] = regions.COUNTRY,
) -> Response:
    """List the areas right below one; none below a town."""

    def work(ctx: Ctx) -> dict[str, Any]:
        children = regions.region_children(ctx, code=parent)
        return {"items": [_area(region) for region in children]}

    return read(call, work)


@router.get("/v1/areas/changes", response_model=area_answers.AreaChangesOut)
def area_changes(
    call: CallIn,
    after: Annotated[
        int, Query(ge=0, le=_POSITION_MAX, description="the position of the last one you know")
    ] = 0,
    limit: LimitIn = LIMIT_DEFAULT,
) -> Response:
    """List what changed in the list of areas since 2000, in the order in which we learned of it.

    Keep the last ``position`` and ask again with it; the event ``area.changed`` says when.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = regions.change_page(ctx, after=after, limit=limit)
        return {"items": [_change(row) for row in rows]}

    return read(call, work)


@router.get("/v1/areas/{code}", response_model=area_answers.AreaFullOut)
def area_get(call: CallIn, code: AreaIn) -> Response:
    """Give one area, in force or not, with its name in full and all that lies above it."""

    def work(ctx: Ctx) -> dict[str, Any]:
        region = regions.region_get(ctx, code=code)
        return _area(region) | {
            "full_name": regions.full_name(ctx, code=code),
            "ancestors": list(regions.ancestors(code)[1:]),
            "until_year": region.until_year,
            "successors": list(regions.region_successors(ctx, code=code)),
            "vintage": region.vintage,
        }

    return read(call, work)


def _change(row: regions.ChangeRow) -> dict[str, Any]:
    change = row.change
    return {
        "position": row.position,
        "year": change.year,
        "kind": change.kind.value,
        "code": change.code,
        "name": change.name,
        "successor_code": change.successor_code,
        "successor_name": change.successor_name,
        "vintage": row.vintage,
    }


def _area(region: regions.Region) -> dict[str, Any]:
    return {
        "code": region.code,
        "name": region.name,
        "parent_code": region.parent_code,
        "level": region.level.name.lower(),
    }
