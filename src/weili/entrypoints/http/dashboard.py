"""The operator's dashboard: today beside the same day of last week."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http.answers import DayOut, Fen, MomentOut
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import Document
from weili.kit.context import Ctx
from weili.modules import dropship
from weili.workflows.read_dashboard import Dashboard, read_dashboard
from weili.workflows.read_first_day import FirstStep, read_first_day

router = APIRouter(tags=["operator: world"])

HOURS: Final = 24
ByHour = Annotated[list[int], Field(min_length=HOURS, max_length=HOURS)]


class DayFiguresOut(Document):
    """A day until the time of day that it is now; only ``by_hour`` is of the whole day."""

    day: DayOut
    orders: Annotated[int, Field(description="orders placed, whatever became of them")]
    amount_minor: Annotated[Fen, Field(description="their goods and freight, in fen")]
    sent_after_s: Annotated[
        int | None,
        Field(
            description="the median from placing to dispatch, in seconds, of the packages that "
            "left on the day: of the newest 10,000 at most"
        ),
    ]
    refusals: Annotated[
        int, Field(description="child orders that suppliers refused, in whole or in part")
    ]
    by_hour: Annotated[ByHour, Field(description="orders placed in each hour, in China's time")]


class AreaFiguresOut(Document):
    """The orders of today that go to a county; ``code`` is as it was ordered."""

    code: str
    name: str
    orders: int
    amount_minor: Fen


class ProvinceHoursOut(Document):
    """The orders of today that go to a province, by the hour in which they were placed."""

    code: str
    name: str
    by_hour: ByHour


class BehindOut(Document):
    """What is to follow from what has happened."""

    events: Annotated[int, Field(description="events that are not in the log yet")]
    events_age_s: Annotated[float, Field(description="how long the oldest of them waits")]
    jobs: Annotated[int, Field(description="jobs that wait")]
    jobs_failed: Annotated[int, Field(description="jobs that were given up")]


class DashboardOut(Document):
    """Today, the same day of last week, and what is so now."""

    now: MomentOut
    today: DayFiguresOut
    before: DayFiguresOut
    stock_low: Annotated[
        int,
        Field(description="places with a low mark and fewer pieces that no order has taken"),
    ]
    behind: BehindOut
    areas: Annotated[
        list[AreaFiguresOut], Field(description="the 20 counties that most orders of today go to")
    ]
    provinces: list[ProvinceHoursOut]


class FirstStepOut(Document):
    """A step of the first day, and whether it is done: whether there is one of its things."""

    step: FirstStep
    done: bool


class FirstDayOut(Document):
    """How far a new house has come; ``name`` is its operator's."""

    name: str
    done: bool
    steps: list[FirstStepOut]


@router.get("/v1/operator/first-day", response_model=FirstDayOut)
def first_day_get(call: CallIn) -> Response:
    """Say what a new house still needs for its first order."""

    def work(ctx: Ctx) -> dict[str, Any]:
        found = read_first_day(ctx)
        return {
            "name": found.name,
            "done": all(found.steps.values()),
            "steps": [{"step": step, "done": done} for step, done in found.steps.items()],
        }

    return read(call, work)


@router.get("/v1/operator/dashboard", response_model=DashboardOut)
def dashboard_get(call: CallIn) -> Response:
    """Show today beside the same day of last week, both until the time of day that it is now."""
    return read(call, _document)


def _document(ctx: Ctx) -> dict[str, Any]:
    found = read_dashboard(ctx)
    return {
        "now": moment(found.now),
        "today": _day(found.today, found.today_on.isoformat()),
        "before": _day(found.before, found.before_on.isoformat()),
        "stock_low": found.stock_low,
        "behind": {
            "events": found.behind.events,
            "events_age_s": found.behind.events_age_s,
            "jobs": found.behind.jobs,
            "jobs_failed": found.behind.jobs_failed,
        },
        "areas": [
            {
                "code": area.code,
                "name": found.names.get(area.code, area.code),
                "orders": area.orders,
                "amount_minor": area.amount_minor,
            }
            for area in found.today.areas
        ],
        "provinces": _provinces(found),
    }


def _day(day: dropship.Day, on: str) -> dict[str, Any]:
    return {
        "day": on,
        "orders": day.orders.orders,
        "amount_minor": day.orders.amount_minor,
        "sent_after_s": day.sent_after_s,
        "refusals": day.refusals,
        "by_hour": list(day.orders.by_hour),
    }


def _provinces(found: Dashboard) -> list[dict[str, Any]]:
    """Give each province its 24 hours, the one with the most orders first."""
    by_hour: dict[str, list[int]] = {}
    for cell in found.today.cells:
        by_hour.setdefault(cell.code, [0] * HOURS)[cell.hour] += cell.orders
    return [
        {"code": code, "name": found.names.get(code, code), "by_hour": hours}
        for code, hours in sorted(by_hour.items(), key=lambda one: (-sum(one[1]), one[0]))
    ]
