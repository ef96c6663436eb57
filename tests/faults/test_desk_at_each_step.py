"""Reviews, transfers and counts die at every step, and every step is repeated.

Each step is one transaction. What makes something new is repeated as the face does it, under the
key of the first time; the others know by themselves that they are done, or say that it is not
their turn any more. Either way nothing moves a second time.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import database_create, database_leave, database_url
from tests.faults.failing import Moment, dying
from tests.market import Market, market_open
from weili.kit import idempotency, zone
from weili.kit.context import SYSTEM, Actor, Ctx
from weili.kit.problems import StateConflict
from weili.kit.secrets import KeyRing
from weili.kit.world import World
from weili.modules import goods, inventory
from weili.workflows.publish_goods import publish_goods
from weili.workflows.verify_world import verify_world

Act = Callable[[Ctx], object]
COUNTED = sa.text(
    "SELECT (SELECT count(*) FROM goods.revision), (SELECT count(*) FROM goods.revision_history),"
    " (SELECT count(*) FROM goods.sku), (SELECT count(*) FROM goods.sku_history),"
    " (SELECT count(*) FROM pricing.cost_history), (SELECT count(*) FROM pricing.cost_proposal),"
    " (SELECT count(*) FROM inventory.movement), (SELECT sum(on_hand) FROM inventory.stock),"
    " (SELECT count(*) FROM kit.outbox), (SELECT count(*) FROM kit.idempotency_key),"
    " (SELECT string_agg(r::text, ' ' ORDER BY id) FROM goods.revision r),"
    " (SELECT string_agg(a::text, ' ' ORDER BY id) FROM inventory.arrival a),"
    " (SELECT string_agg(t::text, ' ' ORDER BY id) FROM inventory.transfer t),"
    " (SELECT string_agg(c::text, ' ' ORDER BY id) FROM inventory.count c)"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is about to be taken, and whether it is out of turn when it is repeated."""

    actor: Actor
    act: Act
    is_out_of_turn: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """One market for all steps, each of which has goods of its own."""

    market: Market
    category_id: goods.CategoryId

    def proposal(self, code: str, title: str = "云南咖啡豆") -> goods.GoodsProposal:
        """Write down goods of two variants, with a cost now."""
        skus = tuple(
            goods.SkuProposal(f"{code}-{weight}", {"净含量": weight}, unit_cost_minor=2_000)
            for weight in ("250", "500")
        )
        return goods.GoodsProposal(code, title, self.category_id, skus)

    def saved(self) -> goods.Revision:
        """Open a revision of goods with a code of their own."""
        code = uuid.uuid4().hex[:12]
        supplier_id = self.market.grocer
        with self.market.world.begin(self.market.as_supplier()) as ctx:
            return goods.revision_save(ctx, supplier_id=supplier_id, proposal=self.proposal(code))

    def submitted(self) -> goods.Revision:
        """Hand in such goods."""
        revision = self.saved()
        self.did(self.mine(goods.revision_submit, revision_id=revision.id))
        return revision

    def mine(
        self, verb: Callable[..., object], *, is_out_of_turn: bool = True, **words: object
    ) -> Step:
        """Make a step of the grocer's with its goods."""
        market = self.market
        return Step(
            market.as_supplier(),
            lambda ctx: verb(ctx, supplier_id=market.grocer, **words),
            is_out_of_turn,
        )

    def once(self, act: Act) -> Step:
        """Make a step of the grocer's under a key, as its face does."""
        key = uuid.uuid4().hex
        body_hash = idempotency.request_hash("POST", "/v1/supply/desk", key.encode())

        def work(ctx: Ctx) -> None:
            if idempotency.claim(ctx, key=key, body_hash=body_hash) is None:
                act(ctx)
                idempotency.store(ctx, key=key, status=200, answer_json="{}")

        return Step(self.market.as_supplier(), work)

    def shipped(self) -> inventory.Transfer:
        """Send two teas from the near warehouse to the far one."""
        with self.market.world.begin(self.market.as_supplier()) as ctx:
            return self.ship(ctx)

    def ship(self, ctx: Ctx) -> inventory.Transfer:
        """Send them inside a transaction."""
        return inventory.transfer_ship(
            ctx,
            from_warehouse_id=self.market.near,
            to_warehouse_id=self.market.far,
            lines=[(self.market.tea, 2)],
            expected_on=zone.day_of(ctx.now),
            reference="truck",
        )

    def counting(self) -> inventory.Count:
        """Open a count of tea in the near warehouse."""
        with self.market.world.begin(self.market.as_supplier()) as ctx:
            return self.count(ctx)

    def count(self, ctx: Ctx) -> inventory.Count:
        """Open it inside a transaction."""
        return inventory.count_open(
            ctx, warehouse_id=self.market.near, reference="November", sku_ids=[self.market.tea]
        )

    def did(self, step: Step) -> None:
        """Take a step."""
        with self.market.world.begin(step.actor) as ctx:
            step.act(ctx)

    def dies(self, step: Step, moment: Moment) -> None:
        """Take a step and die at a moment of it."""
        dying(self.market.world.begin_as(step.actor), step.act, moment)

    def counted(self) -> tuple[Any, ...]:
        """Count everything that a step can move, and read where things stand."""
        with self.market.world.engine.connect() as connection:
            return tuple(connection.execute(COUNTED).one())


def save(desk: Desk) -> Step:
    """Goods are proposed; the same again is known by its content."""
    proposal = desk.proposal(uuid.uuid4().hex[:12])
    return desk.mine(goods.revision_save, is_out_of_turn=False, proposal=proposal)


def submit(desk: Desk) -> Step:
    """They are handed in."""
    return desk.mine(goods.revision_submit, revision_id=desk.saved().id)


def withdraw(desk: Desk) -> Step:
    """They are taken back."""
    return desk.mine(goods.revision_withdraw, revision_id=desk.submitted().id)


def send_back(desk: Desk) -> Step:
    """They are sent back to their supplier."""
    revision_id = desk.submitted().id
    return Step(
        SYSTEM,
        lambda ctx: goods.revision_return(ctx, revision_id=revision_id, reason="no picture"),
        is_out_of_turn=True,
    )


def edit(desk: Desk) -> Step:
    """The operator mends them; the same again is known by its content."""
    revision = desk.submitted()
    mended = desk.proposal(revision.proposal.spu_code, "云南小粒咖啡豆")
    return Step(
        SYSTEM, lambda ctx: goods.revision_edit(ctx, revision_id=revision.id, proposal=mended)
    )


def publish(desk: Desk) -> Step:
    """They are published with their costs; published again they are refused, one by one."""
    revision_id = desk.submitted().id
    return Step(SYSTEM, lambda ctx: publish_goods(ctx, revision_ids=[revision_id]))


def transfer_ship(desk: Desk) -> Step:
    """Goods leave for another warehouse."""
    return desk.once(desk.ship)


def transfer_receive(desk: Desk) -> Step:
    """They arrive, one piece short."""
    transfer, tea = desk.shipped(), desk.market.tea
    return Step(
        desk.market.as_supplier(),
        lambda ctx: inventory.transfer_receive(
            ctx, transfer_id=transfer.id, received={tea: 1}, reason="a box fell off"
        ),
    )


def count_open(desk: Desk) -> Step:
    """A count begins."""
    return desk.once(desk.count)


def count_book(desk: Desk) -> Step:
    """It ends with a piece too few."""
    count = desk.counting()
    [line] = count.lines
    counted = [inventory.Counted(line.sku_id, line.expected - 1, "broken")]
    return Step(
        desk.market.as_supplier(),
        lambda ctx: inventory.count_book(ctx, count_id=count.id, counted=counted),
    )


def count_cancel(desk: Desk) -> Step:
    """It is given up."""
    count_id = desk.counting().id
    return Step(
        desk.market.as_supplier(), lambda ctx: inventory.count_cancel(ctx, count_id=count_id)
    )


STEPS = (
    save,
    submit,
    withdraw,
    send_back,
    edit,
    publish,
    transfer_ship,
    transfer_receive,
    count_open,
    count_book,
    count_cancel,
)


@pytest.fixture(scope="module")
def desk(server_url: str, template: str, keyring: KeyRing) -> Iterator[Desk]:
    """Open one market for the whole file, with a category whose goods come by weight."""
    name = f"weili_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    database_create(server_url, name, template=template)
    world = World("sandbox", database_url(server_url, name), keyring)
    market = market_open(world)
    weight = goods.Attribute(
        "净含量", goods.AttributeKind.NUMBER, goods.AttributeUse.VARIANT, unit="g"
    )
    with world.begin() as ctx:
        category = goods.category_open(ctx, name="咖啡豆")
        goods.template_put(ctx, category_id=category.id, attributes=[weight])
    yield Desk(market, category.id)
    world.close()
    database_leave(server_url, name)


@pytest.mark.parametrize("prepared", STEPS, ids=lambda step: step.__name__)
def test_a_step_that_dies_moves_everything_once_or_nothing(
    desk: Desk, prepared: Callable[[Desk], Step]
) -> None:
    step = prepared(desk)
    before = desk.counted()
    for moment in (Moment.BEFORE, Moment.INSIDE):
        desk.dies(step, moment)
        assert desk.counted() == before
    desk.dies(step, Moment.AFTER)
    after = desk.counted()
    assert after != before
    if step.is_out_of_turn:
        with pytest.raises(StateConflict):
            desk.did(step)
    else:
        desk.did(step)
    assert desk.counted() == after


def test_after_all_that_died_the_world_is_sound(desk: Desk) -> None:
    with desk.market.world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []
