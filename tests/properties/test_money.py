"""Money is never made or lost by splitting it, taking it in steps, or naming the tax in it."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from weili.kit.money import (
    AMOUNT_MINOR_MAX,
    BPS,
    fen_from_yuan,
    portion_half_up,
    share_so_far,
    split_largest_remainder,
    yuan_from_fen,
)

amounts = st.integers(0, AMOUNT_MINOR_MAX)
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=50)
rates = st.integers(0, 3 * BPS)


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


@given(amounts, weights)
def test_the_parts_sum_to_the_whole_and_each_is_its_exact_share_rounded_down_or_up(
    total: int, weights: list[int]
) -> None:
    parts = split_largest_remainder(total, weights)

    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        exact = Fraction(total * weight, whole) if whole else Fraction(total, len(weights))
        assert part in (floor(exact), floor(exact) + 1)
        assert part == exact or exact.denominator > 1


@given(amounts, weights)
def test_no_part_that_got_a_leftover_unit_had_a_smaller_remainder_than_one_that_did_not(
    total: int, weights: list[int]
) -> None:
    whole = sum(weights)
    assume(whole > 0)
    parts = split_largest_remainder(total, weights)

    ranked = [(-(total * w % whole), i) for i, w in enumerate(weights)]
    got = [i for i, w in enumerate(weights) if parts[i] > total * w // whole]

    assert sorted(got) == sorted(i for _, i in sorted(ranked)[: len(got)])


@given(amounts, st.integers(1, 50))
def test_without_any_weight_the_parts_differ_by_one_unit_at_most(total: int, count: int) -> None:
    parts = split_largest_remainder(total, [0] * count)

    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


@pytest.mark.parametrize(("total", "weights"), [(1, []), (1, [1, -1]), (-1, [1])])
def test_a_split_of_nothing_or_of_less_is_a_bug(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"\["):
        split_largest_remainder(total, weights)


@given(amounts, st.lists(st.integers(0, 1_000), min_size=1, max_size=30))
def test_the_steps_of_a_share_sum_to_the_amount_and_none_is_negative(
    amount: int, pieces: list[int]
) -> None:
    whole = sum(pieces)
    assume(whole > 0)
    done, steps = 0, []
    for count in pieces:
        steps.append(share_so_far(amount, done + count, whole) - share_so_far(amount, done, whole))
        done += count

    assert sum(steps) == amount
    assert min(steps) >= 0


@given(amounts, st.integers(1, 10**6), st.data())
def test_a_share_so_far_is_the_exact_share_rounded_down(
    amount: int, whole: int, data: st.DataObject
) -> None:
    done = data.draw(st.integers(0, whole))

    assert share_so_far(amount, done, whole) == floor(Fraction(amount * done, whole))


@pytest.mark.parametrize(("done", "whole"), [(-1, 3), (4, 3), (0, 0), (0, -1)])
def test_a_share_outside_the_whole_is_a_bug(done: int, whole: int) -> None:
    with pytest.raises(ValueError, match=str(whole)):
        share_so_far(100, done, whole)


@given(amounts, rates)
def test_a_portion_is_the_exact_portion_rounded_half_up(amount: int, rate_bps: int) -> None:
    assert portion_half_up(amount, rate_bps) == half_up(Fraction(amount * rate_bps, BPS))


@given(st.integers(-AMOUNT_MINOR_MAX + 1, AMOUNT_MINOR_MAX - 1))
def test_what_is_written_in_yuan_reads_back_as_the_same_fen(fen: int) -> None:
    assert fen_from_yuan(yuan_from_fen(fen)) == fen


@given(st.text(max_size=12))
def test_written_yuan_are_read_exactly_or_refused(text: str) -> None:
    try:
        fen = fen_from_yuan(text)
    except ValueError:
        return
    assert Fraction(fen, 100) == Fraction(text.strip())
