"""Only well-formed marks of a caller are repeated, and a trace is carried on."""

import re
from uuid import UUID

import pytest

from weili.kit.tracing import (
    request_id_given,
    trace_id_given,
    trace_id_now,
    traced,
    traceparent_now,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("text", ["trace-0001", "a" * 64, "01HZX3K8_req"])
def test_an_id_that_fits_is_repeated(text: str) -> None:
    assert request_id_given(text) == text


@pytest.mark.parametrize("text", [None, "", "short", "a" * 65, "no id at all", "line\nbreak1"])
def test_any_other_id_is_not_repeated(text: str | None) -> None:
    assert not request_id_given(text)


@pytest.mark.parametrize(
    "given", [f"00-{TRACE}-b7ad6b7169203331-01", f"cc-{TRACE}-b7ad6b7169203331-01-what-comes-next"]
)
def test_a_trace_is_read_even_of_a_version_yet_unknown(given: str) -> None:
    assert trace_id_given(given) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        TRACE,
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331",
    ],
)
def test_what_names_no_trace_is_no_trace(given: str) -> None:
    assert not trace_id_given(given)


def test_calls_of_a_trace_carry_it_on_and_can_be_told_apart() -> None:
    with traced(UUID(TRACE)):
        first, again, other = (traceparent_now(call) for call in ("a 1", "a 1", "a 2"))
        assert trace_id_now.get() == TRACE

    assert first == again != other
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-00", first["traceparent"])
    assert trace_id_given(other["traceparent"]) == TRACE


def test_outside_a_trace_none_is_named() -> None:
    with traced(UUID(TRACE)):
        pass
    assert traceparent_now("a 1") == {}
