"""What earlier code has left is upgraded with all that is in it, and traded on with."""

import json
from pathlib import Path

import pytest

from tests.entrypoints.cli.conftest import Run
from weili import migrations
from weili.entrypoints.http.order_body import order_read
from weili.kit.context import PartyId
from weili.kit.ids import id_text
from weili.kit.secrets import KeyRing
from weili.kit.world import World
from weili.modules import dropship
from weili.workflows.place_dropship_orders import place_dropship_orders

KEPT = sorted((Path(__file__).parents[2] / "migrations" / "kept").glob("*.tar"))
NUMBERS = [f"OLD-{number}" for number in range(6)]
RECIPIENT = {"name": "欧阳小美", "phone": "19912345678", "address": "文三路 1 号"}


def partner_of(world: World) -> PartyId:
    """Find who placed the orders, by the phone that they were sent to."""
    with world.begin() as ctx:
        sought = dropship.Sought(phone=RECIPIENT["phone"])
        found = dropship.orders_page(ctx, sought=sought, cursor=None, limit=50)
    assert sorted(order.number for order in found.items) == NUMBERS
    [partner] = {order.partner_id for order in found.items}
    return partner


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_what_earlier_code_left_is_upgraded_whole_and_traded_on_with(
    run: Run, sandbox: str, home: Path, file: Path
) -> None:
    # Given what earlier code has left, which this one does not open as it is
    assert run("db", "restore", str(file), "--force").code == 0
    assert migrations.current(sandbox) == file.stem < migrations.head()
    behind = run("verify")
    assert behind.code != 0
    assert f"at step {file.stem}" in behind.err

    # When it is upgraded
    upgraded = run("db", "upgrade")
    assert upgraded.code == 0, upgraded.err

    # Then it has today's shape, and all adds up
    assert migrations.current(sandbox) == migrations.head()
    verified = run("verify", "--json")
    assert (verified.code, json.loads(verified.out)["findings"]) == (0, [])

    # And orders are there with what was sealed then; one sent again has its answer of then
    world = World("sandbox", sandbox, KeyRing.load(home / "keyring.json"))
    try:
        partner = partner_of(world)
        with world.begin() as ctx:
            old = dropship.order_by_number(ctx, partner_id=partner, number="OLD-0")
            assert dropship.recipient_open(ctx, order=old).address == RECIPIENT["address"]
            [line] = [line for child in old.children for line in child.lines]
            body = {
                "number": "OLD-0",
                "area_code": "330106",
                "recipient": RECIPIENT,
                "lines": [{"sku_id": id_text("sku", line.sku_id), "quantity": 1}],
            }
            drafts = [
                order_read(json.dumps(body | {"number": n}).encode()) for n in ("OLD-0", "NEW-1")
            ]
            again, fresh = place_dropship_orders(
                ctx,
                commands=[
                    dropship.PlaceOrder(partner, draft, dropship.digest(draft)) for draft in drafts
                ],
            )
    finally:
        world.close()
    assert isinstance(again, dropship.Placed)
    assert isinstance(fresh, dropship.Placed)
    assert (again.is_replay, fresh.is_replay) == (True, False)
    assert json.loads(again.answer_json)["id"] == id_text("ord", old.id)
    assert run("verify").code == 0
