"""The country's provinces, cities and counties."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.fields import AreaIn
from weili.kit.context import Ctx
from weili.modules import regions

router = APIRouter(tags=["areas"])


@router.get("/v1/areas", response_model=answers.AreasOut)
def area_children(
    call: CallIn,
    parent: Annotated[AreaIn, Query(description="the country if none")] = regions.COUNTRY,
) -> Response:
    """List the areas right below one; none below a town."""

    def work(ctx: Ctx) -> dict[str, Any]:
        children = regions.region_children(ctx, code=parent)
        return {"items": [_area(region) for region in children]}

    return read(call, work)


@router.get("/v1/areas/{code}", response_model=answers.AreaFullOut)
def area_get(call: CallIn, code: AreaIn) -> Response:
    """Give one area, with its name in full."""

    def work(ctx: Ctx) -> dict[str, Any]:
        region = regions.region_get(ctx, code=code)
        return _area(region) | {"full_name": regions.full_name(ctx, code=code)}

    return read(call, work)


def _area(region: regions.Region) -> dict[str, Any]:
    return {
        "code": region.code,
        "name": region.name,
        "parent_code": region.parent_code,
        "level": region.level.name.lower(),
    }
