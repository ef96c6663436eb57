"""The operator's dashboard: exact figures, bounded reads, and only for whom it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.entrypoints.http.conftest import Serving
from tests.market import _uscc
from weili.kit.context import Actor
from weili.kit.world import World, clock_turn
from weili.modules import parties
from weili.workflows.open_accounts import platform_open
from weili.workflows.read_first_day import read_first_day

BUDGET = 12


def dashboard(serving: Serving) -> dict[str, Any]:
    response = serving.ask("operator", "GET", "/v1/operator/dashboard")
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_a_day_is_counted_once_and_a_week_later_it_is_what_is_compared_with(
    serving: Serving,
) -> None:
    # Given a day on which nothing has happened
    empty = dashboard(serving)
    assert empty["today"]["orders"] == empty["before"]["orders"] == 0
    assert empty["today"]["sent_after_s"] is None
    assert (empty["areas"], empty["provinces"]) == ([], [])
    # When three orders are placed, to one county
    totals = [serving.placed()["total_minor"] for _ in range(3)]
    # Then they are counted, with what they come to, where they go
    today = dashboard(serving)
    assert today["today"]["orders"] == sum(today["today"]["by_hour"]) == 3
    assert today["today"]["amount_minor"] == sum(totals)
    assert today["before"]["orders"] == 0
    assert [(area["code"], area["orders"], area["amount_minor"]) for area in today["areas"]] == [
        ("330106", 3, sum(totals))
    ]
    assert today["areas"][0]["name"] == "浙江省杭州市西湖区"
    assert [(one["code"], one["name"]) for one in today["provinces"]] == [("330000", "浙江省")]
    assert sum(today["provinces"][0]["by_hour"]) == 3
    # A week later they are on the other side, and one that is cancelled since stays counted
    with serving.market.world.begin() as ctx:
        clock_turn(ctx, ahead_s=int(timedelta(days=7).total_seconds()))
    later = dashboard(serving)
    assert (later["today"]["orders"], later["before"]["orders"]) == (0, 3)
    assert later["before"]["day"] == today["today"]["day"]
    assert later["before"]["by_hour"] == today["today"]["by_hour"]


def test_it_takes_as_few_statements_for_many_orders_as_for_one(
    serving: Serving, sent: Callable[[], Any]
) -> None:
    def count() -> int:
        with sent() as statements:
            dashboard(serving)
        return len(statements)

    serving.placed()
    count()
    few = count()
    for _ in range(20):
        serving.placed()
    assert count() == few <= BUDGET


def test_looking_writes_nothing_and_needs_its_scope(serving: Serving) -> None:
    rows = serving.rows()
    dashboard(serving)
    assert serving.rows() == rows
    scopes = parties.ROLE_SCOPES[parties.PartyKind.OPERATOR] - {"admin:dashboard"}
    _, serving.keys["less"] = serving.key(serving.operator, scopes)
    refused = serving.ask("less", "GET", "/v1/operator/dashboard")
    assert (refused.status_code, refused.json()["members"]["needs"]) == (403, "admin:dashboard")


@pytest.mark.parametrize("who", ["street", "grocer"])
def test_no_other_party_sees_it(serving: Serving, who: str) -> None:
    assert serving.ask(who, "GET", "/v1/operator/dashboard").status_code == 403


def test_the_first_day_tells_what_is_there_and_what_is_not(serving: Serving) -> None:
    serving.placed()
    answer = serving.ask("operator", "GET", "/v1/operator/first-day").json()
    assert (answer["name"], answer["done"]) == ("operator", True)
    assert [one["step"] for one in answer["steps"]] == [
        "house",
        "supplier",
        "warehouse",
        "goods",
        "partner",
        "order",
    ]
    assert serving.ask("street", "GET", "/v1/operator/first-day").status_code == 403


def test_of_an_empty_house_nothing_but_itself_is_there(world: World) -> None:
    with world.begin() as ctx:
        party = platform_open(ctx, name="微力", legal_name="微力有限公司", uscc=_uscc(9))
        ctx.actor = Actor("operator", party.id, "key_x", frozenset({"*"}))
        found = read_first_day(ctx)
    assert found.name == "微力"
    assert [step for step, done in found.steps.items() if done] == ["house"]
