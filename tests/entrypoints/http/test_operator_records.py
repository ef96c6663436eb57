"""What the operator looks back at: acts, events and jobs; what each role may see of it."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests.entrypoints.http.conftest import RECIPIENT, Serving
from weili.entrypoints.http import operator_records
from weili.kit import event_log
from weili.kit.world import World
from weili.modules import parties

ROUTES = {
    "/v1/operator/audit": "admin:audit",
    "/v1/operator/audit:export": "admin:audit",
    "/v1/operator/event-types": "admin:events",
    "/v1/operator/events": "admin:events",
    "/v1/operator/jobs": "admin:jobs",
    "/v1/operator/jobs:counts": "admin:jobs",
}


def got(serving: Serving, target: str) -> dict[str, Any]:
    response = serving.ask("operator", "GET", target)
    assert response.status_code == 200, response.text
    return dict(response.json())


def reveal(serving: Serving, order_id: str, reason: str) -> None:
    target = f"/v1/orders/{order_id}:revealRecipient"
    assert serving.ask("street", "POST", target, {"reason": reason}).status_code == 200


def job_failed(world: World) -> int:
    """Leave a job as the worker leaves one that it gave up."""
    with world.begin() as ctx:
        [[job_id]] = ctx.db.rows(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, attempts, args)"
            " VALUES ('dispatch', 'dispatch.queue', 'failed', 10, '{\"order_ids\": []}')"
            " RETURNING id"
        )
    return int(job_id)


def test_a_reveal_is_found_by_who_did_what_to_what_and_when(serving: Serving) -> None:
    # Given two reveals by one key, and one act by another
    first, second = serving.placed()["id"], serving.placed()["id"]
    reveal(serving, first, "客户来电核对地址")
    reveal(serving, second, "=1+1")
    key = serving.key_ids["street"]
    # Then each filter finds its own
    acts = got(serving, f"/v1/operator/audit?actor={key}")["items"]
    assert [(act["subject"], act["reason"]) for act in acts] == [
        (second, "=1+1"),
        (first, "客户来电核对地址"),
    ]
    assert acts[0]["actor"] == f"partner:{key}"
    assert acts[0]["party_name"] is not None
    [only] = got(serving, f"/v1/operator/audit?subject={first}")["items"]
    assert only["action"] == "recipient.reveal"
    page = got(serving, "/v1/operator/audit?action=recipient.reveal&limit=1")
    rest = got(serving, f"/v1/operator/audit?action=recipient.reveal&cursor={page['next_cursor']}")
    assert [page["items"][0]["subject"], rest["items"][0]["subject"]] == [second, first]
    at = only["at"].replace("+", "%2B")
    since = got(serving, f"/v1/operator/audit?action=recipient.reveal&from={at}")["items"]
    until = got(serving, f"/v1/operator/audit?action=recipient.reveal&to={at}")["items"]
    assert [act["subject"] for act in since] == [second, first]
    assert until == []
    # And the file has what the list has, with no formula in it
    file = serving.ask("operator", "GET", f"/v1/operator/audit:export?actor={key}")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["subject"] for row in rows] == [second, first]
    assert rows[0]["reason"] == "'=1+1"
    xlsx = serving.ask("operator", "GET", f"/v1/operator/audit:export?actor={key}&format=xlsx")
    assert xlsx.content.startswith(b"PK")


def test_who_answers_for_orders_reads_no_costs_and_no_balances_in_the_log(
    serving: Serving,
) -> None:
    order = serving.placed()
    serving.relayed()
    scopes = frozenset({"admin:events", "admin:orders"})
    _, serving.keys["support"] = serving.key(serving.operator, scopes)
    found = serving.ask("support", "GET", "/v1/operator/events?limit=200").json()["items"]
    assert order["id"] in {one["subject"] for one in found}
    assert {operator_records.EVENT_NEEDS[one["type"]] for one in found} <= scopes
    sorts = serving.ask("support", "GET", "/v1/operator/event-types").json()["items"]
    assert {operator_records.EVENT_NEEDS[one["type"]] for one in sorts} <= scopes
    for asked, needed in (("cost.changed", "admin:prices"), ("x.unheard_of", "admin:world")):
        refused = serving.ask("support", "GET", f"/v1/operator/events?type={asked}")
        assert (refused.status_code, refused.json()["members"]["needs"]) == (403, needed)
    assert got(serving, "/v1/operator/events?type=x.unheard_of")["items"] == []


def test_an_order_is_followed_through_the_log_and_nothing_personal_is_in_it(
    serving: Serving,
) -> None:
    order = serving.placed()
    serving.placed()
    serving.relayed()
    found = got(serving, f"/v1/operator/events?subject={order['id']}")
    assert [one["type"] for one in found["items"]] == ["order.placed"]
    assert found["items"][0]["data"]["number"] == order["number"]
    response = serving.ask("operator", "GET", "/v1/operator/events?limit=200")
    assert not [text for text in RECIPIENT.values() if text in response.text]
    positions = [one["position"] for one in response.json()["items"]]
    assert positions == sorted(positions, reverse=True)
    none = got(serving, "/v1/operator/events?type=order.parcel_lost")
    assert none == {"items": [], "next_cursor": None}
    types = {one["type"] for one in got(serving, "/v1/operator/event-types")["items"]}
    assert {"order.placed", "key.issued", "party.suspended"} <= types


def test_a_page_of_the_log_looks_at_so_much_and_goes_on(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a log in which what is looked for lies further back than one page looks
    wanted = serving.placed()["id"]
    for _ in range(5):
        serving.placed()
    serving.relayed()
    monkeypatch.setattr(event_log, "WINDOW", 2)
    # When somebody goes on until it ends, then it is found once
    found, target, pages = [], f"/v1/operator/events?subject={wanted}", 0
    cursor: str | None = ""
    while cursor is not None:
        page = got(serving, f"{target}&cursor={cursor}" if cursor else target)
        found += [one["subject"] for one in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert found == [wanted]
    assert pages >= 3


def test_the_log_is_entered_at_a_time(serving: Serving) -> None:
    serving.placed()
    serving.relayed()
    newest = got(serving, "/v1/operator/events?limit=1")["items"][0]
    with serving.market.world.begin() as ctx:
        now = ctx.now
    later = (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    earlier = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert got(serving, f"/v1/operator/events?from={later}")["items"] == []
    assert got(serving, f"/v1/operator/events?to={earlier}")["items"] == []
    between = got(serving, f"/v1/operator/events?from={earlier}&to={later}&limit=1")
    assert between["items"] == [newest]


def test_a_job_that_was_given_up_is_seen_and_done_again_once(serving: Serving) -> None:
    # Given
    job_id = job_failed(serving.market.world)
    [count] = [
        one for one in got(serving, "/v1/operator/jobs:counts")["items"] if one["state"] == "failed"
    ]
    assert (count["queue"], count["count"]) == ("dispatch", 1)
    [job] = got(serving, "/v1/operator/jobs?state=failed")["items"]
    assert (job["id"], job["task"], job["attempts"]) == (job_id, "dispatch.queue", 10)
    # When it is to be done again
    target = f"/v1/operator/jobs/{job_id}:retry"
    answer = serving.ask("operator", "POST", target, {"reason": "已修复"}, key=True)
    # Then it waits, and who asked for that is written down
    assert answer.json() == {"done": True}
    assert got(serving, "/v1/operator/jobs?state=failed")["items"] == []
    assert [one["id"] for one in got(serving, "/v1/operator/jobs?state=todo")["items"]] == [job_id]
    [act] = got(serving, f"/v1/operator/audit?subject=job_{job_id}")["items"]
    assert (act["action"], act["reason"]) == ("job.retry", "已修复")
    # And what has not failed is not done again
    refused = serving.ask("operator", "POST", target, {"reason": "再试"}, key=True)
    assert refused.status_code == 404
    assert len(got(serving, f"/v1/operator/audit?subject=job_{job_id}")["items"]) == 1


@pytest.mark.parametrize("target", ROUTES)
def test_each_needs_its_own_scope_and_looking_writes_nothing(serving: Serving, target: str) -> None:
    scopes = parties.ROLE_SCOPES[parties.PartyKind.OPERATOR] - {ROUTES[target]}
    key_id, serving.keys["less"] = serving.key(serving.operator, scopes)
    rows = serving.rows()
    refused = serving.ask("less", "GET", target)
    assert (refused.status_code, refused.json()["members"]["needs"]) == (403, ROUTES[target])
    assert serving.ask("street", "GET", target).status_code == 403
    assert serving.ask("operator", "GET", target).status_code == 200
    assert serving.rows() == rows
    with serving.market.world.begin() as ctx:
        parties.key_revoke(ctx, key_id=key_id, reason="test over")


@pytest.mark.parametrize(
    "query",
    ["actor=somebody", "subject=%00", "from=yesterday", "cursor=WzEsIngiXQ", "limit=0", "x=1"],
)
def test_a_filter_that_is_none_is_refused(serving: Serving, query: str) -> None:
    target = "/v1/operator/audit" if not query.startswith("cursor") else "/v1/operator/events"
    assert serving.ask("operator", "GET", f"{target}?{query}").status_code in {400, 422}
