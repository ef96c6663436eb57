"""People are told what concerns them, and set a password anew that they forgot."""

import re
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from tests.entrypoints.http.conftest import Serving
from tests.entrypoints.http.test_sessions import Browser
from weili.adapters.mail import Letter, MailRefusedError
from weili.entrypoints.jobs.sweeps import resets_sweep
from weili.kit.clock import wall_now
from weili.kit.ids import id_text, new_id
from weili.kit.world import in_transaction
from weili.modules import identity, notices, parties
from weili.workflows.send_notices import notices_send

PASSWORD = "rain in the tea"
FRESH = "quiet river stone 7"
URL = "https://weili.example.cn"


class Letters:
    """Keeps what is sent, or refuses it."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.sent: list[Letter] = []
        self._error = error

    def send(self, letter: Letter) -> None:
        if self._error is not None:
            raise self._error
        self.sent.append(letter)


def person(serving: Serving, email: str, *, has_password: bool = True) -> parties.PersonRecord:
    with serving.market.world.begin() as ctx:
        made = parties.person_add(
            ctx,
            party_id=serving.market.street,
            name="Lin",
            email=email,
            role=parties.PersonRole.OWNER,
        )
        if has_password:
            hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
            identity.password_set(
                ctx, person_id=made.id, hashed=hashed, reason="test", now=wall_now()
            )
        return parties.people_find(ctx, person_ids=[made.id])[made.id]


def mailed(serving: Serving, to: str) -> list[Letter]:
    """Do what the worker does, and give what came to an address."""
    begin = serving.market.world.begin
    in_transaction(begin, resets_sweep)
    letters = Letters()
    while notices_send(begin, letters, url=URL):
        pass
    return [letter for letter in letters.sent if letter.to == to]


def test_who_forgot_their_password_sets_another_by_mail_and_is_told(serving: Serving) -> None:
    # Given somebody with a password and a session
    email = "forgot@example.cn"
    who = person(serving, email)
    before = Browser(serving)
    before.ask("POST", "/v1/session", {"email": email, "password": PASSWORD})
    assert before.ask("GET", "/v1/session").status_code == 200
    # When they ask for another password
    stranger = Browser(serving)
    asked = stranger.ask("POST", "/v1/password:askReset", {"email": email})
    assert (asked.status_code, asked.json()) == (200, {"done": True})
    # Then one mail comes with a link whose secret no server is told
    [letter] = mailed(serving, email)
    link = re.search(rf"{URL}/console/reset#(sandbox\.\S+)", letter.text)
    assert link is not None
    assert mailed(serving, email) == []
    # And it sets a password, once, and ends the session
    body = {"token": link[1], "password": FRESH}
    done = stranger.ask("POST", "/v1/invitations:accept", body)
    assert done.status_code == 201, done.text
    assert stranger.ask("POST", "/v1/invitations:accept", body).json()["code"] == "link_ended"
    assert before.ask("GET", "/v1/session").status_code == 401
    signed_in = Browser(serving).ask("POST", "/v1/session", {"email": email, "password": FRESH})
    assert signed_in.status_code == 201
    # And they are told, by mail and in the console; a link is no news there
    [told] = mailed(serving, email)
    assert "密码已修改" in told.title
    assert stranger.ask("GET", "/v1/notices/unread").json() == {"unread": 1}
    [item] = stranger.ask("GET", "/v1/notices").json()["items"]
    assert (item["kind"], item["read_at"]) == ("password_changed", None)
    with serving.market.world.begin() as ctx:
        subject = id_text(parties.PERSON_PREFIX, who.person.id)
        search = parties.AuditSearch(subject=subject)
        actions = [each.action for each in parties.audit_page(ctx, search=search).items]
    assert "password.reset_link" in actions


@pytest.mark.parametrize("has_password", [None, False])
def test_nobody_learns_who_has_an_account_and_no_mail_goes(
    serving: Serving, has_password: bool | None
) -> None:
    email = f"unknown{has_password}@example.cn"
    if has_password is not None:
        person(serving, email, has_password=has_password)
    asked = Browser(serving).ask("POST", "/v1/password:askReset", {"email": email})
    assert (asked.status_code, asked.json()) == (200, {"done": True})
    assert mailed(serving, email) == []


def test_asking_again_and_again_is_paused_and_sends_three_mails_at_most(serving: Serving) -> None:
    email = "again@example.cn"
    person(serving, email)
    browser = Browser(serving)
    answers = [
        browser.ask("POST", "/v1/password:askReset", {"email": email}).status_code
        for _ in range(identity.RESETS_MAX + 1)
    ]
    assert answers == [200] * identity.RESETS_MAX + [429]
    assert len(mailed(serving, email)) == identity.RESETS_MAX


def test_a_page_of_another_origin_cannot_ask(serving: Serving) -> None:
    refused = serving.ask(None, "POST", "/v1/password:askReset", {"email": "a@example.cn"})
    assert refused.status_code == 403


def test_a_reset_that_is_answered_too_late_sends_nothing(serving: Serving) -> None:
    email = "late@example.cn"
    person(serving, email)
    begin = serving.market.world.begin
    asked = identity.ResetAsked(email, "", "zh")
    then = wall_now() - identity.RESET_AGE
    in_transaction(begin, lambda ctx: identity.reset_ask(ctx, asked=asked, now=then))
    assert mailed(serving, email) == []


def told(serving: Serving, who: parties.PersonRecord, subject: str) -> int:
    return in_transaction(
        serving.market.world.begin,
        lambda ctx: notices.tell(
            ctx,
            people=[who],
            kind=notices.Kind.BALANCE_LOW,
            subject=subject,
            values={"available": "1.00", "alarm": "20.00"},
        ),
    )


def signed_in(serving: Serving, who: str) -> Browser:
    browser = Browser(serving)
    body = {"email": who, "password": PASSWORD}
    assert browser.ask("POST", "/v1/session", body).status_code == 201
    return browser


def test_nobody_is_told_twice_and_others_cannot_mark_it_read(serving: Serving) -> None:
    who, other = person(serving, "told@example.cn"), person(serving, "other@example.cn")
    subject = str(new_id(wall_now()))
    assert (told(serving, who, subject), told(serving, who, subject)) == (2, 0)
    assert told(serving, other, subject) == 2

    mine, theirs = signed_in(serving, "told@example.cn"), signed_in(serving, "other@example.cn")
    [item] = mine.ask("GET", "/v1/notices?show=unread", **{"accept-language": "en"}).json()["items"]
    assert item["text"].startswith("1.00 yuan may be drawn")
    body = {"ids": [item["id"]]}
    assert theirs.ask("POST", "/v1/notices:markRead", body).json() == {"marked": 0}
    assert mine.ask("POST", "/v1/notices:markRead", body).json() == {"marked": 1}
    assert mine.ask("POST", "/v1/notices:markRead", {}).json() == {"marked": 0}
    assert mine.ask("GET", "/v1/notices/unread").json() == {"unread": 0}
    assert theirs.ask("GET", "/v1/notices/unread").json() == {"unread": 1}
    assert len(mailed(serving, "told@example.cn")) == 1


def test_what_is_turned_off_is_not_told_but_security_always_is(serving: Serving) -> None:
    who = person(serving, "calm@example.cn")
    mine = signed_in(serving, "calm@example.cn")
    off = [{"topic": "money", "way": "mail"}, {"topic": "money", "way": "app"}]
    chosen = mine.ask("PUT", "/v1/notice-settings", {"language": "en", "off": off})
    assert chosen.status_code == 200, chosen.text
    assert mine.ask("GET", "/v1/notice-settings").json() == {
        "language": "en",
        "off": [{"topic": "money", "way": "app"}, {"topic": "money", "way": "mail"}],
        "always_on": ["security"],
    }
    assert told(serving, who, "off") == 0
    refused = mine.ask(
        "PUT",
        "/v1/notice-settings",
        {"language": "en", "off": [{"topic": "security", "way": "mail"}]},
    )
    assert (refused.status_code, refused.json()["fields"][0]["code"]) == (400, "topic_always_on")


def test_a_key_has_no_notices(serving: Serving) -> None:
    for method, target in (("GET", "/v1/notices"), ("GET", "/v1/notice-settings")):
        assert serving.ask("street", method, target).status_code == 401


def test_a_mail_that_fails_is_tried_again_six_times_and_given_up(serving: Serving) -> None:
    who = person(serving, "patient@example.cn")
    begin = serving.market.world.begin
    mailed(serving, "patient@example.cn")
    told(serving, who, "patient")
    sql = "SELECT state, tries FROM notices.notice WHERE person_id = %b AND way = 'mail'"

    def state() -> tuple[str, int]:
        with begin() as ctx:
            [row] = ctx.db.rows(sql, who.person.id)
        return tuple(row)

    def hasten() -> None:
        with begin() as ctx:
            ctx.db.run("UPDATE notices.notice SET due_at = %b WHERE state = 'due'", ctx.now)

    # A line that breaks is tried again, not at once
    notices_send(begin, Letters(error=ConnectionResetError()), url=URL)
    assert state() == ("due", 1)
    assert mailed(serving, "patient@example.cn") == []
    for _ in range(notices.TRIES_MAX - 1):
        hasten()
        notices_send(begin, Letters(error=ConnectionResetError()), url=URL)
    assert state() == ("due", notices.TRIES_MAX)
    hasten()
    assert mailed(serving, "patient@example.cn") == []
    assert state() == ("given_up", notices.TRIES_MAX)


def test_a_mail_that_is_refused_for_good_or_late_is_not_tried_again(serving: Serving) -> None:
    who = person(serving, "gone@example.cn")
    begin = serving.market.world.begin
    told(serving, who, "gone")
    notices_send(begin, Letters(error=MailRefusedError("no")), url=URL)
    told(serving, who, "late")
    with begin() as ctx:
        past = ctx.now - timedelta(seconds=1)
        ctx.db.run("UPDATE notices.notice SET expires_at = %b WHERE subject = 'late'", past)
    assert mailed(serving, "gone@example.cn") == []
    with begin() as ctx:
        rows = ctx.db.rows(
            "SELECT subject, state, values_sealed FROM notices.notice"
            " WHERE person_id = %b AND way = 'mail' ORDER BY subject",
            who.person.id,
        )
    assert [tuple(row) for row in rows] == [("gone", "refused", None), ("late", "late", None)]


def test_only_the_admin_of_a_sandbox_reads_its_mails(serving: Serving) -> None:
    target = "/v1/operator/sandbox/mails"
    browser = signed_in_as_new(serving, "reader@example.cn")
    assert browser.ask("GET", target).status_code == 403


def signed_in_as_new(serving: Serving, email: str) -> Browser:
    person(serving, email)
    return signed_in(serving, email)
