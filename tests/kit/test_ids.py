"""Ids in the order in which rows are locked."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from weili.kit.ids import ids_sorted


@given(st.lists(st.sampled_from([UUID(int=n << 64) for n in (0, 1, 2, 2**31, 2**63)])))
def test_ids_are_sorted_as_uuids_are_and_come_once(ids: list[UUID]) -> None:
    assert ids_sorted(ids) == sorted(set(ids))
