"""The sample fills an empty world, once, and goes on where it was interrupted."""

import pytest

from weili.kit.context import Ctx
from weili.kit.problems import Busy
from weili.kit.world import World
from weili.modules import goods, inventory, ledger, parties, pricing
from weili.workflows import load_sample
from weili.workflows.load_sample import SampleState, SampleWorld, sample_state
from weili.workflows.open_accounts import parties_of
from weili.workflows.verify_world import verify_world

BALANCES_FEN = 100_000_000
"""Bound used below: no sample partner begins with a million yuan."""


def state(world: World) -> SampleState:
    """Ask how far the sample is."""
    with world.begin() as ctx:
        return sample_state(ctx)


def skus(ctx: Ctx) -> list[goods.Sku]:
    """Read the whole catalogue."""
    page = goods.sku_page(ctx, partner_id=None, limit=200)
    assert page.next_cursor is None
    return list(page.items)


def test_the_sample_is_whole_and_its_books_are_sound(world: World) -> None:
    assert state(world) is SampleState.EMPTY
    kept: list[SampleWorld] = []
    made = load_sample.load_sample(world.begin, keep=kept.append)
    assert kept == [made]
    assert (len(made.suppliers), len(made.partners)) == (5, 20)
    with world.begin() as ctx:
        catalogue = skus(ctx)
        assert len(catalogue) == 187
        assert {sku.state for sku in catalogue} == {goods.SkuState.ON_SHELF}
        assert len(inventory.warehouse_page(ctx).items) == 6
        assert len(list(parties_of(ctx, parties.PartyKind.PARTNER))) == 20
        partner = next(parties_of(ctx, parties.PartyKind.PARTNER))
        assert len(goods.sku_page(ctx, partner_id=partner.id, limit=200).items) == 187
        account = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, partner.id)
        balance = ledger.balances_read(ctx, account_ids=[account])[account]
        assert 0 < balance.available_minor < BALANCES_FEN
    assert state(world) is SampleState.DONE
    with world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []


def test_more_pieces_cost_less_on_the_volume_list_and_never_less_than_they_cost_us(
    world: World,
) -> None:
    load_sample.load_sample(world.begin, keep=lambda _: None)
    with world.begin() as ctx:
        volume = next(
            party
            for party in parties_of(ctx, parties.PartyKind.PARTNER)
            if party.name == "青梧邻里团"
        )
        ids = [sku.id for sku in skus(ctx)]
        book = pricing.price_book(ctx, partner_ids=[volume.id], sku_ids=ids)
        for sku_id in ids:
            prices = [book.unit_price(volume.id, sku_id, count) for count in (1, 10, 50)]
            amounts = [price.unit_price_minor for price in prices if price is not None]
            cost = book.unit_cost_minor(sku_id)
            assert len(amounts) == 3
            assert cost is not None
            assert amounts[0] >= amounts[1] >= amounts[2] >= cost
        rice = next(sku for sku in skus(ctx) if sku.supplier_code == "HY10001-01")
        # 31.90 yuan; 3 % of it is 95.7 fen, hence 96; 6 % is 191.4 fen, hence 191
        assert [
            price.unit_price_minor
            for count in (1, 9, 10, 49, 50)
            if (price := book.unit_price(volume.id, rice.id, count))
        ] == [3190, 3190, 3094, 3094, 2999]


@pytest.mark.parametrize("step", ["suppliers", "goods", "prices", "partners", "keys"])
def test_a_load_that_was_interrupted_goes_on_to_the_same_world(world: World, step: str) -> None:
    # Given a load that is killed before a step
    def killed(name: str) -> None:
        if name == step:
            raise Busy(retry_after_s=1)

    with pytest.raises(Busy):
        load_sample.load_sample(world.begin, keep=lambda _: None, progress=killed)
    assert state(world) is SampleState.BEGUN
    # When it is done again
    load_sample.load_sample(world.begin, keep=lambda _: None)
    # Then nothing is there twice: 1,800 bags of rice in all, each partner topped up once
    with world.begin() as ctx:
        rice = next(sku for sku in skus(ctx) if sku.supplier_code == "HY10001-01")
        levels = inventory.stock_of(ctx, sku_ids=[rice.id])
        assert sum(level.on_hand for level in levels) == 1800
        partner = next(parties_of(ctx, parties.PartyKind.PARTNER))
        account = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, partner.id)
        balances = ledger.balances_read(ctx, account_ids=[account])
        assert balances[account].available_minor == 8_000_000
    with world.begin(snapshot=True) as ctx:
        assert verify_world(ctx) == []


def test_keys_that_could_not_be_kept_were_never_made(world: World) -> None:
    def full(_: SampleWorld) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        load_sample.load_sample(world.begin, keep=full)
    assert state(world) is SampleState.BEGUN
    with world.begin() as ctx:
        partner = next(parties_of(ctx, parties.PartyKind.PARTNER))
        assert list(parties.key_page(ctx, party_id=partner.id).items) == []


def test_new_keys_end_the_old_ones(world: World) -> None:
    first = load_sample.load_sample(world.begin, keep=lambda _: None)
    second = load_sample.renew_keys(world.begin, keep=lambda _: None)
    with world.begin() as ctx:
        ids = [first.operator.key_id, second.operator.key_id]
        found = parties.keys_find(ctx, key_ids=ids)
        assert [found[key_id].revoked_at is None for key_id in ids] == [False, True]
