"""Money: orders wait for it, it comes by a slip that another person approves, and all adds up."""

from typing import Final

from weili.entrypoints.cli.demo.themes.desk import Desk
from weili.entrypoints.cli.demo.themes.goods import TEA
from weili.entrypoints.cli.demo.themes.opening import PARTNER

DEPOSIT_MINOR: Final = 500_000
WAITING: Final = ("T-wait-1", "T-wait-2", "T-wait-3")


async def funds_waited_for(desk: Desk) -> None:
    """Orders wait for funds; a deposit by slip, approved by another person, releases them."""
    settings = {"low_balance": "wait"}
    await desk.do(desk.partner, "PUT", "/v1/order-settings", settings)
    for number in WAITING:
        order = await desk.order(number, {TEA: 1})
        desk.hold(f"{number} without funds", order["state"], "waiting_funds")
    now = await desk.turn(1)
    said = {
        "slip": "QL20261122001",
        "amount_minor": DEPOSIT_MINOR,
        "payer": PARTNER["legal_name"],
        "paid_on": f"{now:%Y-%m-%d}",
    }
    path = f"/v1/operator/partners/{desk.partner_id}/deposits"
    deposit = await desk.do(desk.clerk, "POST", path, said)
    path = f"/v1/operator/deposits/{deposit['id']}:approve"
    alone = await desk.try_(desk.clerk, "POST", path)
    desk.hold("approving one's own deposit", alone.code, "second_person_needed")
    approved = await desk.do(desk.second, "POST", path)
    desk.hold("a deposit that another person approved", approved["state"], "approved")
    desk.paid_in_minor += DEPOSIT_MINOR

    async def released() -> bool:
        states = [(await desk.order_now(number))["state"] for number in WAITING]
        return "waiting_funds" not in states

    await desk.until("a deposit releases the orders that wait", released)
    desk.count(
        "funds",
        waited=len(WAITING),
        deposits=1,
        refused_alone=1,
        released=len(WAITING),
        paid_in_minor=DEPOSIT_MINOR,
    )


async def money_held(desk: Desk) -> None:
    """Hold both accounts against what partner and supplier worked out for themselves."""
    prepaid = await desk.do(desk.partner, "GET", "/v1/account")
    ours = (desk.paid_in_minor - desk.due_minor, 0)
    desk.hold("the partner's account", (prepaid["posted_minor"], prepaid["held_minor"]), ours)
    owed = await desk.do(desk.supplier, "GET", "/v1/account")
    desk.hold("the supplier's account", owed["posted_minor"], desk.owed_minor)
    desk.count("books", due_minor=desk.due_minor, owed_minor=desk.owed_minor)
