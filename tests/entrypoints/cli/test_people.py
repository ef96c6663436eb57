"""The first administrator of a deployment is let in at the machine."""

import io
import json

import pytest

from tests.entrypoints.cli.conftest import Run
from weili.entrypoints.cli.opened import world_opened
from weili.kit.clock import wall_now
from weili.modules import identity

EMAIL = "admin@example.cn"
PASSWORD = "tea in the rain"
OPERATOR = (
    "--name",
    "微力运营",
    "--legal-name",
    "微力运营有限公司",
    "--uscc",
    "91310115MAY1W6PN8E",
)
WHO = ("微力运营", "--email", EMAIL)


@pytest.fixture
def fresh(ground: Run) -> Run:
    """Give the command line of a deployment with an operator and nobody who works for it."""
    opened = ground("operator", "open", *OPERATOR)
    assert opened.code == 0, opened.err
    return ground


def _sign_in(password: str) -> identity.SignedIn:
    asked = identity.SignIn(EMAIL, password)
    with world_opened(None) as world:
        knock = identity.sign_in_begin(world.begin, asked=asked, now=wall_now())
        return identity.sign_in(world.begin, knock=knock, now=wall_now())


def test_an_administrator_is_added_and_given_a_password(
    fresh: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = fresh("people", "add", *WHO, "--name", "顾云舟", "--role", "admin", "--json")
    assert added.code == 0, added.err
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    given = fresh("people", "password", *WHO)

    assert given.code == 0, given.err
    assert PASSWORD not in given.out + given.err
    who = _sign_in(PASSWORD).record.who
    assert (who.person.name, who.person.role, who.party.kind) == ("顾云舟", "admin", "operator")
    listed = json.loads(fresh("people", "list", "微力运营", "--json").out)["items"]
    assert listed == [
        {
            "id": json.loads(added.out)["id"],
            "name": "顾云舟",
            "email_masked": "a***@example.cn",
            "role": "admin",
        }
    ]


def test_an_administrator_may_be_given_a_link_instead(fresh: Run) -> None:
    fresh("people", "add", *WHO, "--name", "顾云舟", "--role", "admin")

    made = fresh("people", "invite", *WHO, "--json")

    token = json.loads(made.out)["link"].removeprefix("/console/invitation#sandbox.")
    with world_opened(None) as world:
        identity.link_accept(world.begin, token=token, password=PASSWORD, code=None, now=wall_now())
    assert _sign_in(PASSWORD).record.who.person.role == "admin"


def test_what_can_not_be_is_refused_in_words(fresh: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh("people", "add", *WHO, "--name", "顾云舟", "--role", "admin")

    twice = fresh("people", "add", *WHO, "--name", "顾云舟", "--role", "admin")
    assert (twice.code, "has a person with that e-mail" in twice.err) == (6, True)
    role = fresh("people", "add", *WHO, "--name", "x", "--role", "king")
    assert (role.code, "--role" in role.err) == (2, True)
    monkeypatch.setattr("sys.stdin", io.StringIO("1234567890\n"))
    weak = fresh("people", "password", *WHO)
    assert (weak.code, "/password" in weak.err) == (2, True)
    unknown = fresh("people", "invite", "微力运营", "--email", "no@one.cn")
    assert unknown.code == 5
    with pytest.raises(identity.SignInRefused):
        _sign_in("1234567890")
