"""What happened to a party is told to those of its people whose work it is, each once."""

from datetime import datetime

import pytest

from tests.market import Market
from weili.kit import outbox
from weili.kit.context import Ctx, EventType
from weili.kit.ids import id_text, new_id
from weili.kit.world import in_transaction
from weili.modules import dropship, goods, inventory, ledger, notices, parties
from weili.workflows.tell_people import people_tell


def staff(market: Market) -> dict[str, parties.PersonId]:
    roles = {
        "owner": (market.street, parties.PersonRole.OWNER),
        "finance": (market.street, parties.PersonRole.FINANCE),
        "buyer": (market.street, parties.PersonRole.BUYER),
        "rival": (market.creator, parties.PersonRole.OWNER),
        "packer": (market.grocer, parties.PersonRole.WAREHOUSE),
    }
    with market.world.begin() as ctx:
        return {
            name: parties.person_add(
                ctx, party_id=party_id, name=name, email=f"{name}@example.cn", role=role
            ).id
            for name, (party_id, role) in roles.items()
        }


def shown(market: Market, people: dict[str, parties.PersonId]) -> dict[str, list[str]]:
    with market.world.begin() as ctx:
        return {
            name: [
                notices.TEMPLATES[each.kind].said("en", each.values)[1]
                for each in notices.notice_page(ctx, person_id=person_id).items
            ]
            for name, person_id in people.items()
        }


def cancelled(reason: str) -> dict[str, str]:
    return {
        "order_id": "ord_1",
        "number": "S-1",
        "state": "cancelled",
        "child_id": "chd_1",
        "child_state": "cancelled",
        "reason": reason,
    }


@pytest.mark.timeout(60)
def test_each_event_is_told_once_to_those_whose_work_it_is(market: Market) -> None:
    people = staff(market)
    money = {"available_minor": 1_234, "alarm_minor": 500_000, "currency": "CNY"}
    low = {
        "sku_id": id_text(goods.SKU_PREFIX, new_id(_now(market))),
        "warehouse_id": id_text(inventory.WAREHOUSE_PREFIX, new_id(_now(market))),
        "unpromised": 3,
        "low_below": 10,
    }
    told: list[tuple[EventType, object, dict[str, object]]] = [
        (ledger.BALANCE_LOW, market.street, dict(money)),
        (dropship.ORDER_CANCELLED, market.street, dict(cancelled("supplier_refused"))),
        (dropship.ORDER_CANCELLED, market.street, dict(cancelled("asked"))),
        (inventory.STOCK_LOW, market.grocer, dict(low)),
    ]

    def happen(ctx: Ctx) -> None:
        for event_type, party_id, data in told:
            ctx.announce(event_type, party_id=party_id, subject="s", data=data)  # type: ignore[arg-type]

    begin = market.world.begin
    in_transaction(begin, happen)
    in_transaction(begin, outbox.relay)
    in_transaction(begin, people_tell)
    # Again, and with the log read from its beginning, nothing more is told.
    in_transaction(begin, people_tell)
    in_transaction(begin, lambda ctx: notices.follow_to(ctx, position=0))
    in_transaction(begin, people_tell)

    balance = (
        "12.34 yuan may be drawn, less than your alarm at 5000.00 yuan. Top up, so that orders are"
        " not refused."
    )
    refused = (
        "Order S-1, or a part of it, can't be supplied: that part is cancelled, and its money is"
        " back on the balance."
    )
    stock = (
        f"{low['warehouse_id']} has 3 of {low['sku_id']} that no order has taken, less than the"
        " mark of 10. Have more brought in."
    )
    assert shown(market, people) == {
        "owner": [refused, balance],
        "finance": [balance],
        "buyer": [refused],
        "rival": [],
        "packer": [stock],
    }


def _now(market: Market) -> datetime:
    with market.world.begin() as ctx:
        return ctx.now
