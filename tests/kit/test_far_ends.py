"""Processes at the far ends of lanes: a lost one is started anew, up to a bound."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from weili.kit.far_ends import LOSSES_MAX, FarEnd

# Says which process it is, and stays until its link is closed.
STAYS = (
    "import os, socket, sys; link = socket.socket(fileno=int(sys.argv[1]));"
    " link.sendall(b'%d' % os.getpid()); link.recv(1)"
)
GOES = "raise SystemExit(7)"
# The same, but it lets go of its link at once, and stays for as long as it is let.
HANGS = STAYS.replace("link.recv(1)", "link.close(); import time; time.sleep(600)")


@contextmanager
def _far_end(program: str) -> Iterator[tuple[FarEnd, list[str]]]:
    """Give a far end, and a list that says whether it was given up."""
    given_up: list[str] = []
    words = [sys.executable, "-c", program]
    far_end = FarEnd(words, name="the one", give_up=lambda: given_up.append("given up"))
    try:
        yield far_end, given_up
    finally:
        far_end.end()


def _pid(link: socket.socket | None) -> int:
    assert link is not None
    return int(link.recv(64))


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_that_is_lost_is_started_anew_and_told_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with _far_end(STAYS) as (far_end, given_up):
        with closing(far_end.start()) as link:
            lost = _pid(link)
            os.kill(lost, signal.SIGKILL)
            assert link.recv(1) == b""
        fresh = _pid(far_end.anew())
        assert fresh != lost
        assert (_is_there(lost), _is_there(fresh)) == (False, True)
    assert not _is_there(fresh)
    assert [record.getMessage() for record in caplog.records] == [
        "the one was lost (exit code -9); it is started anew"
    ]
    assert given_up == []


def test_one_that_is_lost_again_and_again_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    with _far_end(GOES) as (far_end, given_up):
        link = far_end.start()
        for _ in range(LOSSES_MAX - 1):
            with closing(link):
                assert link.recv(1) == b""
            again = far_end.anew()
            assert again is not None
            link = again
        assert given_up == []
        with closing(link):
            assert link.recv(1) == b""
        assert far_end.anew() is None
    far_end.end()
    assert given_up == ["given up"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * LOSSES_MAX
    assert caplog.records[-1].getMessage() == (
        "the one was lost (exit code 7), the last of 5 within 60 s; it is given up"
    )


def test_one_that_let_go_of_its_link_but_stays_is_ended_first() -> None:
    with _far_end(HANGS) as (far_end, _):
        with closing(far_end.start()) as link:
            lost = _pid(link)
        fresh = _pid(far_end.anew())
        assert (_is_there(lost), _is_there(fresh)) == (False, True)
        os.kill(fresh, signal.SIGKILL)


def test_one_that_can_not_be_started_anew_is_given_up() -> None:
    given_up: list[str] = []
    far_end = FarEnd(["/nowhere/at/all"], name="it", give_up=lambda: given_up.append("given up"))
    assert far_end.anew() is None
    far_end.end()
    assert given_up == ["given up"]
