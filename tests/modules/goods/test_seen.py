"""What a sheet's rows are remembered in answers like a dict, in far less memory."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from weili.modules.goods.rules.seen import Seen

_WORDS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
# Few keys that fall into one slot, 0 among them, and many that do not. 1 is taken for 0.
KEYS = st.sampled_from([0, 1024, -1024, 2048]) | _WORDS.filter(lambda key: key != 1)


@given(st.lists(st.tuples(KEYS, _WORDS)))
def test_it_answers_like_a_dict(keys: Sequence[tuple[int, int]]) -> None:
    seen = Seen()
    model: dict[int, tuple[int, int]] = {}

    for row, (key, beside) in enumerate(keys, start=2):
        assert seen.get(key) == model.get(key, (0, 0))
        if key not in model:
            seen.put(key, row, beside)
            model[key] = row, beside

    assert {key: seen.get(key) for key in model} == model


def test_it_keeps_all_of_a_large_sheet_as_it_grows() -> None:
    seen = Seen()
    keys = [hash(("供应商", n)) for n in range(20_000)]

    for row, key in enumerate(keys, start=2):
        seen.put(key, row, -row)

    assert [seen.get(key) for key in keys] == [(row, -row) for row in range(2, 20_002)]
    assert seen.get(hash("another")) == (0, 0)
