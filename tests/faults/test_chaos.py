"""`weili chaos`: each of its checks finds what it is there for, and twenty kills lose nothing."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from weili.adapters.suppliers.simulator import Stage
from weili.entrypoints.cli.chaos.checks import (
    Evidence,
    PartnerEvidence,
    Scarce,
    SupplierEvidence,
    violations,
)
from weili.entrypoints.cli.chaos.faults import POINTS, Strain
from weili.entrypoints.cli.chaos.house import Victim
from weili.entrypoints.cli.chaos.run import Summary
from weili.entrypoints.cli.chaos.story import FAULTS, story_told
from weili.entrypoints.cli.chaos.trade import Wanted
from weili.entrypoints.cli.demo.reading import Books

CHECKOUT = Path(__file__).parents[2]
SEED = 20
SCARCE_SKU = "sku_hot"


def order(index: int, *, state: str) -> dict[str, object]:
    """Write an order as the platform shows it: two pieces at 300 fen and 100 fen of freight."""
    child = {
        "id": f"chd_{index}",
        "state": state,
        "warehouse_id": "wh_1",
        "goods_minor": 600,
        "freight_minor": 100,
        "lines": [{"line_no": 1, "sku_id": SCARCE_SKU, "quantity": 2, "shipped": 0}],
    }
    return {
        "id": f"ord_{index}",
        "number": f"N-{index}",
        "state": state,
        "placed_at": "2026-11-28T08:00:00Z",
        "area_code": "330106",
        "goods_minor": 600,
        "freight_minor": 100,
        "total_minor": 700,
        "children": [child],
        "packages": [
            {
                "id": f"pkg_{index}",
                "child_id": f"chd_{index}",
                "lines": [{"line_no": 1, "quantity": 2}],
            }
        ]
        if state == "delivered"
        else [],
        "recipient": {"phone": f"199******{index:02}"},
    }


def message(index: int, kind: str, state: str, **data: str) -> dict[str, object]:
    return {
        "id": f"evt_{index}_{kind}",
        "type": f"order.{kind}",
        "subject": f"ord_{index}",
        "data": {"state": state, "child_id": f"chd_{index}", **data},
    }


def wanted(index: int) -> Wanted:
    number, phone = f"N-{index}", f"1990000{index:04}"
    return Wanted(number, ((SCARCE_SKU, 2),), phone, is_cancelled=False, is_looked_up=False)


@pytest.fixture
def evidence() -> Evidence:
    """Give a sound end: order 1 was delivered, order 2 was cancelled, order 3 was refused.

    Of 5 scarce pieces 2 were sold and 3 are left; the partner stood at 10,000 and paid 700; the
    supplier earned 2 x 200.
    """
    told = [
        message(1, "placed", "confirmed"),
        message(2, "placed", "confirmed"),
        message(2, "cancelled", "cancelled", reason="asked"),
        message(1, "shipped", "shipped", package_id="pkg_1"),
        message(1, "delivered", "delivered"),
    ]
    partner = PartnerEvidence(
        name="partner",
        wanted={
            f"N-{index}": Wanted(
                f"N-{index}", ((SCARCE_SKU, 2),), f"1990000{index:04}", False, False
            )
            for index in (1, 2, 3)
        },
        placed={f"N-{index}": order(index, state="confirmed") for index in (1, 2)},
        refused={"N-3": "stock_short"},
        wrong=[],
        books=Books(
            opening={"posted_minor": 0, "held_minor": 0},
            closing={"posted_minor": 9_300, "held_minor": 0},
            entries=[
                {"posted_minor": 10_000, "held_minor": 0},
                {"posted_minor": -700, "held_minor": 0},
            ],
            orders=[order(1, state="delivered"), order(2, state="cancelled")],
            messages=told,
        ),
        stood=(10_000, 0),
        stands=(9_300, 0),
    )
    supplier = SupplierEvidence(
        "supplier",
        {"chd_1": Stage.DONE, "chd_2": Stage.CANCELLED},
        400,
        [],
        stood=(0, 0),
        stands=(400, 0),
    )
    return Evidence([partner], [supplier], {SCARCE_SKU: Scarce(there=5, left=3)})


def test_a_sound_end_has_no_violation(evidence: Evidence) -> None:
    assert violations(evidence) == []


def _order_removed(evidence: Evidence) -> None:
    del evidence.partners[0].books.orders[0]


def _order_doubled(evidence: Evidence) -> None:
    evidence.partners[0].books.orders.append(order(1, state="delivered"))


def _order_unasked(evidence: Evidence) -> None:
    evidence.partners[0].books.orders.append(order(9, state="cancelled"))


def _order_altered(evidence: Evidence) -> None:
    evidence.partners[0].books.orders[0]["total_minor"] = 699


def _piece_added(evidence: Evidence) -> None:
    evidence.partners[0].books.orders[0]["children"][0]["lines"][0]["quantity"] = 3


def _order_stuck(evidence: Evidence) -> None:
    evidence.partners[0].books.orders[0]["state"] = "released"


def _recipient_mixed_up(evidence: Evidence) -> None:
    evidence.partners[0].books.orders[0]["recipient"]["phone"] = "199******02"


def _answer_lost(evidence: Evidence) -> None:
    del evidence.partners[0].refused["N-3"]


def _stock_oversold(evidence: Evidence) -> None:
    evidence.scarce[SCARCE_SKU] = Scarce(there=1, left=0)


def _stock_vanished(evidence: Evidence) -> None:
    evidence.scarce[SCARCE_SKU] = Scarce(there=5, left=2)


def _money_lost(evidence: Evidence) -> None:
    evidence.partners[0].stands = (9_299, 0)


def _money_still_held(evidence: Evidence) -> None:
    evidence.partners[0].stands = (9_300, 700)


def _supplier_paid_twice(evidence: Evidence) -> None:
    evidence.suppliers[0].stands = (800, 0)


def _event_missing(evidence: Evidence) -> None:
    del evidence.partners[0].books.messages[0]


def _event_doubled(evidence: Evidence) -> None:
    evidence.partners[0].books.messages.append(evidence.partners[0].books.messages[-1])


def _events_swapped(evidence: Evidence) -> None:
    told = evidence.partners[0].books.messages
    told[3], told[4] = told[4], told[3]


def _events_kept_back(evidence: Evidence) -> None:
    evidence.events_waiting = 1


def _child_never_sent(evidence: Evidence) -> None:
    del evidence.suppliers[0].stages["chd_1"]


def _child_sent_to_two(evidence: Evidence) -> None:
    other = SupplierEvidence("other", {"chd_1": Stage.DONE}, 0, [], (0, 0), (0, 0))
    evidence.suppliers = [*evidence.suppliers, other]


def _child_of_nobody(evidence: Evidence) -> None:
    evidence.suppliers[0].stages["chd_9"] = Stage.DONE


def _cancelled_yet_shipped(evidence: Evidence) -> None:
    evidence.suppliers[0].stages["chd_2"] = Stage.DONE


def _shipped_twice(evidence: Evidence) -> None:
    packages = evidence.partners[0].books.orders[0]["packages"]
    packages.append({**packages[0], "id": "pkg_9"})


def _found_by_verify(evidence: Evidence) -> None:
    evidence.findings.append("event_log_without_gaps: position 7: follows 5")


def _worker_left(evidence: Evidence) -> None:
    evidence.left_behind = ["process 4711: work --lifeline-fd 5"]


@pytest.mark.parametrize(
    ("plant", "check", "what"),
    [
        (_order_removed, "orders", "N-1 was acknowledged and is not there"),
        (_order_doubled, "orders", "N-1 is there 2 times"),
        (_order_unasked, "orders", "N-9 is there, but was not acknowledged"),
        (_order_altered, "orders", "N-1: total_minor was 700, is 699"),
        (_piece_added, "orders", "N-1 is not parted as it was acknowledged"),
        (_order_stuck, "orders", "N-1 is still released"),
        (_recipient_mixed_up, "orders", "N-1 goes to another phone: 199******02"),
        (_answer_lost, "answers", "N-3 was never answered"),
        (_stock_oversold, "stock", "2 of sku_hot were sold, 1 were there"),
        (_stock_vanished, "stock", "2 of sku_hot were sold and 2 are left, 5 were there"),
        (_money_lost, "money", "partner stands at (9299, 0) fen"),
        (_money_still_held, "money", "partner stands at (9300, 700) fen"),
        (_supplier_paid_twice, "money", "supplier stands at (800, 0) fen"),
        (_event_missing, "events", "partner: N-1: its story begins ['order.shipped'"),
        (_event_doubled, "events", "1 message(s) came again after they were acknowledged"),
        (_events_swapped, "events", "partner: N-1: told shipped after delivered"),
        (_events_kept_back, "events", "1 events still wait for the relay"),
        (_child_never_sent, "suppliers", "chd_1 is delivered, suppliers have it as unknown"),
        (_child_sent_to_two, "suppliers", "chd_1 is delivered, suppliers have it as [<Stage.DONE"),
        (_child_of_nobody, "suppliers", "which nobody ordered"),
        (_cancelled_yet_shipped, "suppliers", "chd_2 is cancelled, suppliers have it as"),
        (_shipped_twice, "suppliers", "asked for {1: 2}, shipped {1: 4}"),
        (_worker_left, "processes", "process 4711: work --lifeline-fd 5 is still there"),
        (_found_by_verify, "verify", "event_log_without_gaps: position 7: follows 5"),
    ],
)
def test_each_check_finds_what_it_is_there_for(
    evidence: Evidence, plant: Callable[[Evidence], None], check: str, what: str
) -> None:
    plant(evidence)

    found = [one.what for one in violations(evidence) if one.check == check]
    assert any(what in one for one in found), found


@pytest.fixture
def summary(evidence: Evidence) -> Summary:
    """Give the summary of a run that sold what was not there."""
    _stock_oversold(evidence)
    return Summary(
        seed=4_711,
        faults=Counter(serve=1, postgres=1, clock_turned=1),
        asked_again=Counter(cut=3),
        outage_after="postgres",
        kept="/somewhere",
        kills=2,
        points=Counter({POINTS[0].name: 1}),
        violations=violations(evidence),
    )


@pytest.mark.parametrize("language", ["en_GB.UTF-8", "zh_CN.UTF-8"])
def test_what_is_off_is_told_with_the_seed_and_the_place(
    summary: Summary,
    language: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", language)

    story_told(summary)

    told = capsys.readouterr().out
    assert "4711" in told
    assert "/somewhere" in told
    assert "stock: 2 of sku_hot were sold, 1 were there" in told


def test_every_fault_can_be_told_of() -> None:
    assert {*Victim, *Strain} == FAULTS.keys()


def test_a_script_is_told_the_same(summary: Summary) -> None:
    told = json.loads(json.dumps(summary.document()))

    assert (told["ok"], told["seed"], told["fault_count"]) == (False, 4_711, 3)
    assert (told["faults"], told["asked_again"]) == (
        {"serve": 1, "postgres": 1, "clock_turned": 1},
        {"cut": 3},
    )
    assert told["violations"][0] == {
        "check": "stock",
        "what": "2 of sku_hot were sold, 1 were there",
    }


@pytest.mark.long
@pytest.mark.timeout(1_500)
def test_twenty_kills_under_load_lose_nothing(tmp_path: Path) -> None:
    words = ["chaos", "--kills", "20", "--seed", str(SEED), "--json"]
    chaos = subprocess.run(
        [sys.executable, "-m", "weili.entrypoints.cli", *words],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT / "src"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert chaos.stdout, chaos.stderr
    summary = json.loads(chaos.stdout)
    assert (summary["violations"], chaos.returncode) == ([], 0), chaos.stdout
    assert (summary["kills"], summary["seed"]) == (20, SEED)
    assert summary["fault_count"] > 20
    assert summary["points"]
    assert summary["acknowledged"] > 20 * 20
    assert summary["refused"] > 0
    assert list(tmp_path.iterdir()) == []
