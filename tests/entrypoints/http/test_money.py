"""Money over HTTP: slips, withdrawals, corrections, statements as files, daily lists."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from weili_client import Bearer

from tests import market as markets
from tests.entrypoints.http.conftest import Serving
from weili.kit.context import SYSTEM
from weili.kit.ids import id_text
from weili.kit.world import clock_turn
from weili.kit.zone import day_of
from weili.modules import dropship, ledger, parties
from weili.workflows.ship_package import deliver_package, ship_package
from weili.workflows.verify_world import verify_world


@pytest.fixture(autouse=True)
def _people(serving: Serving) -> None:
    """Give the operator a second person, with a key of her own."""
    if "chen" not in serving.keys:
        scopes = parties.ROLE_SCOPES[parties.PartyKind.OPERATOR]
        _, serving.keys["chen"] = serving.key(serving.operator, scopes)


def post(
    serving: Serving, who: str, path: str, body: object = None, status: int = 200
) -> dict[str, Any]:
    response = serving.ask(who, "POST", path, {} if body is None else body, key=True)
    assert response.status_code == status, response.text
    return response.json()


def get(serving: Serving, who: str, path: str) -> dict[str, Any]:
    response = serving.ask(who, "GET", path)
    assert response.status_code == 200, response.text
    return response.json()


def today(serving: Serving) -> str:
    with serving.market.world.begin() as ctx:
        return day_of(ctx.now).isoformat()


def slip(serving: Serving, number: str, amount_minor: int = 250_000) -> dict[str, Any]:
    return {
        "slip": number,
        "amount_minor": amount_minor,
        "payer": "上海街坊商贸有限公司",
        "paid_on": today(serving),
    }


def test_a_slip_is_submitted_found_and_credited_once(serving: Serving) -> None:
    before = get(serving, "street", "/v1/account")["posted_minor"]
    made = post(serving, "street", "/v1/account/deposits", slip(serving, "H-1"), 201)
    assert (made["state"], made["payer"]) == ("submitted", "上*********")
    again = serving.ask("street", "POST", "/v1/account/deposits", slip(serving, "H-1"), key=True)
    assert (again.status_code, again.json()["code"]) == (409, "slip_used")
    path = f"/v1/operator/deposits/{made['id']}"
    shown = serving.ask("operator", "POST", f"{path}:revealPayer", {"reason": "compare"})
    assert shown.json() == {"payer": "上海街坊商贸有限公司"}

    for _ in range(2):
        assert post(serving, "operator", f"{path}:approve")["state"] == "approved"

    assert get(serving, "street", "/v1/account")["posted_minor"] == before + 250_000
    got = get(serving, "street", f"/v1/account/deposits/{made['id']}")
    statement = get(serving, "street", "/v1/account/statement?purpose=top_up")
    assert [
        (entry["subject"], entry["subject_kind"], entry["posted_minor"])
        for entry in statement["items"]
        if entry["transfer_id"] == got["transfer_id"]
    ] == [(made["id"], "deposit", 250_000)]
    other = serving.ask("creator", "GET", f"/v1/account/deposits/{made['id']}")
    assert other.status_code == 404


def test_staff_enter_and_another_person_approves(serving: Serving) -> None:
    party = id_text("pty", serving.market.street)
    path = f"/v1/operator/partners/{party}/deposits"
    made = post(serving, "operator", path, slip(serving, "H-2", 100), 201)
    approve = f"/v1/operator/deposits/{made['id']}:approve"
    own = serving.ask("operator", "POST", approve, {}, key=True)
    assert (own.status_code, own.json()["code"]) == (403, "second_person_needed")
    assert post(serving, "chen", approve)["state"] == "approved"
    refused = post(serving, "street", "/v1/account/deposits", slip(serving, "H-3", 100), 201)
    step = f"/v1/operator/deposits/{refused['id']}:refuse"
    assert post(serving, "chen", step, {"reason": "not found"})["reason"] == "not found"
    waiting = get(serving, "operator", "/v1/operator/deposits?state=submitted")
    assert waiting["items"] == []


def test_the_sandbox_pays_at_once_and_the_alarm_rings_when_orders_use_it_up(
    serving: Serving,
) -> None:
    body = {"amount_minor": 5_000, "reference": "try-1"}
    assert post(serving, "creator", "/v1/account/deposits:pay", body, 201)["state"] == "approved"
    free = get(serving, "creator", "/v1/account")["available_minor"]
    alarm = serving.ask("creator", "PUT", "/v1/account/alarm", {"alarm_minor": free})
    assert alarm.json() == {"alarm_minor": free, "available_minor": free, "low": False}

    serving.placed(who="creator")  # 45.00 and 8.00 freight
    serving.placed(who="creator")

    serving.relayed()
    messages = get(serving, "creator", "/v1/messages?types=balance.low")["items"]
    assert [message["data"]["available_minor"] for message in messages] == [
        free - markets.TEA_FEN - markets.FREIGHT_FEN
    ]


def test_a_withdrawal_is_held_and_paid(serving: Serving) -> None:
    before = get(serving, "street", "/v1/account")
    body = {
        "amount_minor": 7_000,
        "holder": "上海街坊商贸有限公司",
        "bank": "招商银行",
        "account_number": "571900012345678",
    }
    made = post(serving, "street", "/v1/account/withdrawals", body, 201)
    assert made["account"].endswith("****5678")
    other = post(serving, "street", "/v1/account/withdrawals", body, 201)
    held = get(serving, "street", "/v1/account")
    assert held["available_minor"] == before["available_minor"] - 2 * 7_000
    post(serving, "street", f"/v1/account/withdrawals/{other['id']}:cancel")
    path = f"/v1/operator/withdrawals/{made['id']}"
    post(serving, "operator", f"{path}:approve")
    shown = serving.ask("operator", "POST", f"{path}:revealAccount", {"reason": "to pay"})
    assert shown.json()["account_number"] == "571900012345678"
    paid = post(serving, "operator", f"{path}:pay", {"bank_reference": "CMB-9"})
    assert paid["state"] == "paid"
    after = get(serving, "street", "/v1/account")
    assert after["posted_minor"] == before["posted_minor"] - 7_000
    assert after["held_minor"] == before["held_minor"]
    too_much = serving.ask(
        "street",
        "POST",
        "/v1/account/withdrawals",
        body | {"amount_minor": after["available_minor"] + 1},
        key=True,
    )
    assert (too_much.status_code, too_much.json()["code"]) == (409, "balance_insufficient")


def key_made(serving: Serving, who: str, name: str, party: str, *scopes: str) -> None:
    """Have somebody issue a key, which is used under a name from then on."""
    body = {"party_id": party, "kind": "bearer", "scopes": scopes, "label": name}
    made = post(serving, who, "/v1/operator/keys", body, 201)
    serving.keys[name] = Bearer(made["secret"])


def test_nobody_becomes_a_second_person_by_a_second_key(serving: Serving) -> None:
    # Given one person with a key that may issue others, who makes two keys, with one of them a
    # third, and one for the partner
    party, staff = id_text("pty", serving.market.street), id_text("pty", serving.operator)
    key_made(serving, "operator", "puppet", staff, "admin:money", "admin:parties")
    key_made(serving, "operator", "twin", staff, "admin:money")
    key_made(serving, "puppet", "child", staff, "admin:money")
    key_made(serving, "puppet", "posing", party, "account:read", "account:write")
    path = f"/v1/operator/partners/{party}/deposits"
    before = get(serving, "street", "/v1/account")["posted_minor"]
    pairs = [
        ("operator", "puppet"),
        ("puppet", "operator"),
        ("puppet", "twin"),
        ("operator", "child"),
        ("child", "twin"),
        ("posing", "operator"),
        ("posing", "twin"),
    ]

    for n, (enters, approves) in enumerate(pairs):
        # When what one key entered is to be approved with another, then it needs somebody else
        where = "/v1/account/deposits" if enters == "posing" else path
        deposit = post(serving, enters, where, slip(serving, f"P-{n}", 100), 201)
        approve = f"/v1/operator/deposits/{deposit['id']}:approve"
        own = serving.ask(approves, "POST", approve, {}, key=True)
        assert (own.status_code, own.json()["code"]) == (403, "second_person_needed")
        assert get(serving, "street", "/v1/account")["posted_minor"] == before + 100 * n
        post(serving, "chen", approve)


def test_a_wrong_transfer_gets_a_counter_entry_that_two_people_agree_on(serving: Serving) -> None:
    party = id_text("pty", serving.market.street)
    wrong = post(
        serving,
        "operator",
        f"/v1/operator/partners/{party}:topUp",
        {"amount_minor": 999, "reference": "oops"},
        201,
    )
    before = get(serving, "street", "/v1/account")["posted_minor"]
    path = f"/v1/operator/parties/{party}/corrections"
    body = {"transfer_id": wrong["transfer_id"], "reason": "another partner's payment"}
    made = post(serving, "operator", path, body, 201)
    assert made["amount_minor"] == 999
    approve = f"/v1/operator/corrections/{made['id']}:approve"
    own = serving.ask("operator", "POST", approve, {}, key=True)
    assert own.json()["code"] == "second_person_needed"

    post(serving, "chen", approve)

    assert get(serving, "street", "/v1/account")["posted_minor"] == before - 999
    more = serving.ask("operator", "POST", path, body, key=True)
    assert (more.status_code, more.json()["code"]) == (409, "correction_unfit")


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_a_whole_statement_is_a_file_whose_sums_tie(serving: Serving, format_: str) -> None:
    order = serving.placed()
    shown = get(serving, "street", "/v1/account/statement?limit=200")
    response = serving.ask("street", "GET", f"/v1/account/statement:export?format={format_}")
    assert response.status_code == 200
    assert response.headers["content-disposition"] == f'attachment; filename="statement.{format_}"'
    if format_ == "csv":
        rows = list(csv.reader(io.StringIO(response.text)))
    else:
        book = CalamineWorkbook.from_filelike(io.BytesIO(response.content))
        rows = [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]
    head, opening, *entries, closing = rows
    posted, held = head.index("posted_minor"), head.index("held_minor")
    assert (opening[2], closing[2]) == ("opening", "closing")
    assert len(entries) == len(shown["items"])
    sums = [sum(int(float(entry[at])) for entry in entries) for at in (posted, held)]
    assert [int(float(closing[-2])), int(float(closing[-1]))] == [
        int(float(opening[-2])) + sums[0],
        int(float(opening[-1])) + sums[1],
    ]
    assert int(float(closing[-2])) == shown["closing"]["posted_minor"]
    mine = [entry for entry in entries if entry[head.index("order_id")] == order["id"]]
    assert {entry[head.index("order_number")] for entry in mine} == {order["number"]}
    assert sum(int(float(entry[held])) for entry in mine) == markets.TEA_FEN + markets.FREIGHT_FEN


def test_both_sides_agree_on_a_day_or_see_where_they_do_not(serving: Serving) -> None:
    # Given two orders of which one is shipped and delivered whole
    first, second = serving.placed(), serving.placed()
    world, market = serving.market.world, serving.market
    with world.begin() as ctx:
        order = dropship.order_by_number(ctx, partner_id=market.street, number=first["number"])
    [child] = order.children
    with world.begin(SYSTEM) as ctx:
        dropship.children_move(
            ctx, moves=[(order, {child.id: dropship.OrderState.RELEASED})], reason="taken"
        )
    with world.begin(SYSTEM) as ctx:
        package = ship_package(
            ctx,
            supplier_id=market.grocer,
            child_id=child.id,
            carrier_code="SF",
            waybill_number="SF-RECON-1",
            lines=[dropship.PackageLine(1, 1)],
        )
    with world.begin(SYSTEM) as ctx:
        deliver_package(ctx, supplier_id=market.grocer, package_id=package.id)
    on = today(serving)

    # Then each list names it once, with its amount
    amount = markets.TEA_FEN + markets.FREIGHT_FEN
    for name in ("shipped", "delivered"):
        found = get(serving, "street", f"/v1/reconciliation/{name}?on={on}")
        assert found["totals"] == {"count": 1, "amount_minor": amount}
        assert [item["number"] for item in found["items"]] == [first["number"]]
        theirs = get(serving, "grocer", f"/v1/reconciliation/{name}?on={on}")
        assert theirs["totals"] == {"count": 1, "amount_minor": markets.TEA_COST_FEN}
        assert theirs["items"][0]["number"] is None
        assert get(serving, "farm", f"/v1/reconciliation/{name}?on={on}")["items"] == []
    new = get(serving, "street", f"/v1/reconciliation/new?on={on}&limit=200")
    numbers = {item["number"] for item in new["items"]}
    assert {first["number"], second["number"]} <= numbers
    assert new["totals"]["count"] == len(new["items"])

    # And the other side's own list is compared with it
    path = "/v1/reconciliation/delivered:compare"
    good = {"key": first["number"], "amount_minor": amount}
    agreed = serving.ask("street", "POST", path, {"on": on, "items": [good]}).json()
    assert agreed["agrees"] is True
    off = {
        "on": on,
        "items": [good | {"amount_minor": amount - 1}, {"key": "GHOST", "amount_minor": 5}],
    }
    differing = serving.ask("street", "POST", path, off).json()
    assert differing["agrees"] is False
    assert differing["amount_differs"] == [
        {"key": first["number"], "ours_minor": amount, "theirs_minor": amount - 1}
    ]
    assert differing["missing_here"] == [{"key": "GHOST", "ours_minor": None, "theirs_minor": 5}]
    nothing = serving.ask("street", "POST", path, {"on": on, "items": []}).json()
    assert [one["key"] for one in nothing["missing_there"]] == [first["number"]]
    twice = serving.ask("street", "POST", path, {"on": on, "items": [good, good]})
    assert twice.json()["fields"][0]["path"] == "/items/1/key"
    sent = serving.ask("street", "GET", f"/v1/reconciliation/delivered:export?on={on}")
    assert sent.text.splitlines()[1].endswith(str(amount))

    # And what the supplier is owed for it stands by order line
    owed = get(serving, "grocer", "/v1/supply/payables")
    [entry] = owed["items"]
    assert owed["total_minor"] == entry["amount_minor"] == markets.TEA_COST_FEN
    assert [(line["order_id"], line["cost_minor"]) for line in entry["lines"]] == [
        (first["id"], markets.TEA_COST_FEN)
    ]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/v1/reconciliation/lost?on=2026-01-01", "{list_name}"),
        ("/v1/reconciliation/new?on=2026-1-1", "?on"),
        ("/v1/reconciliation/new", "?on"),
        ("/v1/account/statement?purpose=Goods", "?purpose"),
        ("/v1/account/statement:export?format=pdf", "?format"),
        ("/v1/account/deposits?state=paid", "?state"),
    ],
)
def test_a_bad_parameter_is_named(serving: Serving, target: str, path: str) -> None:
    response = serving.ask("street", "GET", target)
    assert response.status_code == 400, response.text
    assert response.json()["fields"][0]["path"].startswith(path)


def test_a_month_closes_for_every_account_and_can_t_be_closed_before_it_is_over(
    serving: Serving,
) -> None:
    month = today(serving)[:7]
    early = serving.ask("operator", "POST", f"/v1/operator/months/{month}:close", {}, key=True)
    assert (early.status_code, early.json()["code"]) == (409, "month_open")
    stood = get(serving, "street", "/v1/account")
    with serving.market.world.begin() as ctx:
        clock_turn(ctx, ahead_s=int(timedelta(days=32).total_seconds()))

    done = post(serving, "operator", f"/v1/operator/months/{month}:close")

    assert (done["left"], done["off"]) == (0, [])
    assert done["closed"] == 4
    [closed] = get(serving, "street", "/v1/account/months")["items"]
    assert closed["closing"]["posted_minor"] == stood["posted_minor"]
    assert closed["opening"] == {"posted_minor": 0, "held_minor": 0}
    with serving.market.world.begin(snapshot=True) as ctx:
        assert list(ledger.verify(ctx)) == []
        assert [f for f in verify_world(ctx) if f.check.startswith("money")] == []


def test_the_client_package_pays_in_and_compares_a_day(serving: Serving) -> None:
    with serving.client("creator") as creator:
        made = creator.deposit_submit(slip(serving, "SDK-1", 10))
        assert made["state"] == "submitted"
        assert creator.alarm_put(None)["alarm_minor"] is None
        shown = creator.statement(purpose="top_up", limit=1)
        assert shown["closing"]["posted_minor"] == creator.account()["posted_minor"]
        listed = creator.day_list("delivered", today(serving))
        amounts = {item["number"]: item["amount_minor"] for item in listed["items"]}
        assert creator.day_compare("delivered", today(serving), amounts)["agrees"] is True
