"""The operator's commands for goods under review and on the shelf, as they are typed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.entrypoints.cli.conftest import Run
from tests.market import Market, market_open
from weili.entrypoints.cli.opened import world_opened
from weili.kit.ids import id_text
from weili.modules import goods


@dataclass(frozen=True)
class Office:
    """A market in the sandbox that the command line works in."""

    market: Market
    category_id: goods.CategoryId
    run: Run

    def told(self, *words: str) -> dict[str, Any]:
        """Run a command that must go well; gives its JSON."""
        said = self.run("goods", *words, "--json")
        assert said.code == 0, said.err
        document: dict[str, Any] = json.loads(said.out)
        return document

    def submitted(self, code: str) -> str:
        """Have the grocer hand in goods with one SKU of that code; gives the proposal's id."""
        market = self.market
        sku = goods.SkuProposal(code, {}, unit_cost_minor=2_000)
        proposal = goods.GoodsProposal(code, "云南咖啡豆", self.category_id, (sku,))
        with market.world.begin(market.as_supplier()) as ctx:
            made = goods.revision_save(ctx, supplier_id=market.grocer, proposal=proposal)
            goods.revision_submit(ctx, supplier_id=market.grocer, revision_id=made.id)
        return id_text(goods.REVISION_PREFIX, made.id)


@pytest.fixture
def office(run: Run) -> Iterator[Office]:
    """Open a market in a sandbox of the test's own."""
    with world_opened(None) as world:
        market = market_open(world)
        with world.begin() as ctx:
            category = goods.category_open(ctx, name="咖啡豆")
        yield Office(market, category.id, run)


def test_goods_are_listed_shown_sent_back_and_published(office: Office) -> None:
    # Given two proposals, the first of which is sent back
    first, second = office.submitted("CF-1"), office.submitted("CF-2")
    listed = office.told("list", "--supplier", "grocer")["items"]
    assert [item["id"] for item in listed] == [first, second]
    assert office.told("list", "--supplier", "farm")["items"] == []
    returned = office.told("return", first, "--reason", "no picture")
    assert (returned["state"], returned["reason"]) == ("draft", "no picture")
    # When both are published, only the one in review is, and the exit code says so
    said = office.run("goods", "publish", first, second, "--json")
    assert said.code == 6
    outcomes = json.loads(said.out)["items"]
    assert [outcome["status"] for outcome in outcomes] == ["refused", "published"]
    assert outcomes[0]["code"] == "state_conflict"
    # Then it is shown with its cost and its way
    shown = office.told("show", second)
    assert [sku["unit_cost_minor"] for sku in shown["skus"]] == [2_000]
    assert [step["state"] for step in shown["history"]] == ["draft", "in_review", "published"]
    assert "CF-2" in office.run("goods", "show", second).out
    assert second in office.run("goods", "list", "--state", "published").out
    # And its SKU goes off the shelf and on again, each time once
    shelve = ("shelve", "CF-2", "--supplier", "grocer")
    assert office.told(*shelve) == {"state": "on_shelf", "changed": 0}
    for changed in (1, 0):
        assert office.told(*shelve, "--off") == {"state": "off_shelf", "changed": changed}
    assert office.told(*shelve) == {"state": "on_shelf", "changed": 1}


def test_what_is_not_there_or_no_state_is_refused(office: Office) -> None:
    revision = office.submitted("CF-1")
    for words, code in (
        (("show", id_text(goods.REVISION_PREFIX, office.market.tea)), 5),
        (("list", "--state", "odd"), 2),
        (("return", revision, "--reason", " "), 2),
        (("shelve", "nothing", "--supplier", "grocer"), 5),
    ):
        assert office.run("goods", *words).code == code, words
    assert office.told("show", revision)["state"] == "in_review"
