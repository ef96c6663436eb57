"""Suppliers and partners apply by a link, are reviewed, and are taken in; nobody sees another's."""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from tests.entrypoints.http.conftest import Serving
from tests.market import _uscc
from weili.kit.ids import id_parse
from weili.modules import onboarding

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    b"\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)
TERMS = {
    "kind": "supplier",
    "title_zh": "供应商入驻协议",
    "title_en": "Supplier terms",
    "text_zh": "第一条 供货\n第二条 结算",
    "text_en": "1. Supply\n2. Settlement",
    "is_binding": True,
}


@dataclass(slots=True)
class Applicant:
    """Somebody who has the link of an application, and no key."""

    serving: Serving
    link: str

    def ask(
        self, method: str, target: str, body: object = None, *, key: bool = False
    ) -> httpx2.Response:
        headers = {"weili-application": self.link.partition("#")[2]}
        return self.serving.ask(None, method, target, body, headers=headers, key=key)

    def fill(self, number: int, **changes: object) -> httpx2.Response:
        return self.ask("PUT", "/v1/application", filled(number, **changes))

    def send(self, content: bytes = PNG, **query: str) -> httpx2.Response:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        target = f"/v1/application/documents:upload?{asked}"
        return self.ask("POST", target, content, key=True)


def filled(number: int, **changes: object) -> dict[str, Any]:
    return {
        "name": f"江南果园{number}",
        "legal_name": f"杭州江南果园有限公司{number}",
        "uscc": _uscc(number),
        "about": "时令水果，产地直发",
        "contact": {"name": "林晓", "phone": "13812345678", "email": f"lin{number}@fruit.example"},
        **changes,
    }


def applicant(serving: Serving, kind: str = "supplier", **note: str) -> tuple[str, Applicant]:
    body = {"kind": kind, **note}
    made = serving.ask("operator", "POST", "/v1/operator/applications", body)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    return made.json()["id"], Applicant(serving, made.json()["link"])


def decide(serving: Serving, application_id: str, verb: str, **body: str) -> httpx2.Response:
    target = f"/v1/operator/applications/{application_id}:{verb}"
    return serving.ask("operator", "POST", target, body or None, key=True)


def submit(who: Applicant) -> httpx2.Response:
    terms = who.ask("GET", "/v1/application").json()["terms"]
    body = {"terms_id": terms["id"]} if terms else {}
    return who.ask("POST", "/v1/application:submit", body, key=True)


@pytest.fixture(scope="module")
def terms(serving: Serving) -> dict[str, Any]:
    made = serving.ask("operator", "POST", "/v1/operator/terms", TERMS, key=True)
    assert made.status_code == 201, made.text
    return dict(made.json())


def test_a_supplier_applies_mends_and_is_taken_in_once(
    serving: Serving, terms: dict[str, Any]
) -> None:
    # Given a link, by which what was filled in so far is kept
    application_id, who = applicant(serving, note="果园")
    response = who.fill(101, uscc="", about="")
    assert response.status_code == 200, response.text
    assert who.ask("GET", "/v1/application").json()["contact"]["phone"] == "13812345678"
    # When it is handed in too early, each thing that is missing is said and nothing has moved
    early = who.ask("POST", "/v1/application:submit", {}, key=True)
    assert early.status_code == 422
    paths = {each["path"] for each in early.json()["fields"]}
    assert paths == {"/uscc", "/about", "/documents", "/terms_id"}
    assert who.ask("GET", "/v1/application").json()["state"] == "draft"
    # And a wrong credit code is told as one
    assert who.fill(101, uscc="91330100MA2AA0001X").json()["code"] == "uscc_invalid"
    # When all is there, with a licence and the terms accepted, it is submitted
    assert who.fill(101).status_code == 200
    sent = who.send(kind="licence", number="L-1", expires_on="2028-01-01")
    assert sent.status_code == 201, sent.text
    assert submit(who).status_code == 200
    # Then it can't be changed, nor submitted again
    assert who.fill(101).json()["code"] == "state_conflict"
    assert who.send(kind="other").json()["code"] == "state_conflict"
    assert submit(who).json()["code"] == "state_conflict"
    # And the operator sees it, the contact masked, until they say why they look
    shown = serving.ask("operator", "GET", f"/v1/operator/applications/{application_id}").json()
    assert shown["contact"] == {
        "name": "林*",
        "phone": "138******78",
        "email": "l***@fruit.example",
    }
    assert (shown["terms_version"], shown["alike"], shown["twins"]) == (terms["version"], [], [])
    target = f"/v1/operator/applications/{application_id}:revealContact"
    told = serving.ask("operator", "POST", target, {"reason": "call back"}).json()
    assert told["email"] == "lin101@fruit.example"
    # When it is sent back, the applicant reads why, mends it and submits again
    assert decide(serving, application_id, "sendBack", reason="请补充食品许可").status_code == 200
    own = who.ask("GET", "/v1/application").json()
    assert (own["state"], own["remark"]) == ("sent_back", "请补充食品许可")
    assert who.send(kind="food_permit", expires_on="2027-05-01").status_code == 201
    assert submit(who).status_code == 200
    # Then approving makes the party with its owner and a link, once
    done = decide(serving, application_id, "approve")
    assert done.status_code == 200, done.text
    assert "/console/invitation#" in done.json()["link"]
    rows = serving.rows()
    assert decide(serving, application_id, "approve").json()["code"] == "state_conflict"
    assert decide(serving, application_id, "refuse", reason="no").json()["code"] == "state_conflict"
    assert serving.rows() == rows
    # And the link shows no more than that, neither whom to ask nor what the party proved
    own = who.ask("GET", "/v1/application").json()
    assert (own["state"], own["documents"]) == ("approved", [])
    assert own["contact"]["email"] == "l***@fruit.example"
    file = f"/v1/application/documents/{sent.json()['id']}/file"
    assert who.ask("GET", file).status_code == 404
    # And its documents and the terms that it accepted are the party's
    party_id = done.json()["party"]["id"]
    company = serving.ask("operator", "GET", f"/v1/operator/parties/{party_id}/company").json()
    assert [each["kind"] for each in company["documents"]] == ["food_permit", "licence"]
    assert [each["sha256"] for each in company["accepted"]] == [terms["sha256"]]
    assert company["terms_due"] is False
    audit = serving.market.world
    with audit.begin() as ctx:
        actions = ctx.db.sa.execute(
            sa.text("SELECT action FROM parties.audit WHERE subject = :it ORDER BY id"),
            {"it": application_id},
        ).scalars()
        assert list(actions) == [
            "application.open",
            "application.contact_reveal",
            "application.sent_back",
            "application.approve",
        ]


def test_nobody_is_made_the_owner_of_a_party_that_was_there(serving: Serving) -> None:
    application_id, who = applicant(serving, "partner")
    first_id, first = applicant(serving, "partner")
    for each in (who, first):
        assert each.fill(110).status_code == 200
        assert each.send(kind="licence").status_code == 201
        assert submit(each).status_code == 200
    assert decide(serving, first_id, "approve").status_code == 200
    shown = serving.ask("operator", "GET", f"/v1/operator/applications/{application_id}").json()
    assert [each["uscc"] for each in shown["alike"]] == [_uscc(110)]
    assert shown["twins"] == [first_id]
    rows = serving.rows()
    assert decide(serving, application_id, "approve").json()["code"] == "party_exists"
    assert serving.rows() == rows
    assert decide(serving, application_id, "refuse", reason="already taken in").status_code == 200
    assert who.ask("GET", "/v1/application").json()["remark"] == "already taken in"


def test_a_link_reaches_its_own_application_alone(serving: Serving) -> None:
    _, who = applicant(serving)
    _, other = applicant(serving)
    document_id = who.send(kind="licence").json()["id"]
    file = f"/v1/application/documents/{document_id}/file"
    fetched = who.ask("GET", file)
    assert (fetched.content, fetched.headers["content-type"]) == (PNG, "image/png")
    assert fetched.headers["cache-control"] == "no-store"
    rows = serving.rows()
    assert other.ask("GET", file).status_code == 404
    assert other.ask("DELETE", f"/v1/application/documents/{document_id}").status_code == 404
    # Nothing else is open to a link, and nothing of it to a key
    for target in ("/v1/people", "/v1/company", "/v1/operator/applications"):
        assert who.ask("GET", target).json()["code"] == "forbidden"
    assert serving.ask("operator", "GET", "/v1/application").json()["code"] == "forbidden"
    target = f"/v1/company/documents/{document_id}/file"
    assert serving.ask("grocer", "GET", target).status_code == 404
    assert serving.rows() == rows
    operator = f"/v1/operator/documents/{document_id}/file"
    assert serving.ask("operator", "GET", operator).content == PNG
    # What lies in the store is sealed: its address gives nobody the file
    with serving.market.world.begin() as ctx:
        found = onboarding.document_file(
            ctx, document_id=onboarding.DocumentId(id_parse("doc", document_id))
        )
    kept = serving.ask("grocer", "GET", f"/v1/media/{found.address}").content
    assert PNG not in kept


def test_a_link_that_was_replaced_or_made_up_works_no_more(serving: Serving) -> None:
    application_id, who = applicant(serving)
    assert who.ask("GET", "/v1/application").status_code == 200
    target = f"/v1/operator/applications/{application_id}:link"
    again = Applicant(serving, serving.ask("operator", "POST", target).json()["link"])
    assert who.ask("GET", "/v1/application").json()["code"] == "link_ended"
    assert again.ask("GET", "/v1/application").status_code == 200
    made_up = Applicant(serving, "#sandbox." + "A" * 43)
    assert made_up.ask("GET", "/v1/application").json()["code"] == "link_ended"
    nowhere = Applicant(serving, "#nowhere." + "A" * 43)
    assert nowhere.send(kind="other").json()["code"] == "link_ended"


def test_a_file_is_what_its_content_says_and_there_are_forty_at_most(serving: Serving) -> None:
    _, who = applicant(serving)
    assert who.send(b"<html>", kind="licence").json()["code"] == "media_unfit"
    past = who.send(kind="licence", expires_on="2020-01-01")
    assert past.json()["code"] == "document_unfit"
    document_id = who.send(kind="licence").json()["id"]
    taken = f"/v1/application/documents/{document_id}"
    assert who.ask("DELETE", taken).status_code == 200
    assert who.ask("DELETE", taken).status_code == 200
    assert who.ask("GET", "/v1/application").json()["documents"] == []
    for _ in range(onboarding.DOCUMENTS_MAX - 1):
        assert who.send(kind="other").status_code == 201
    assert who.send(kind="other").json()["code"] == "documents_full"


def test_a_party_renews_its_document_and_accepts_what_binds_it_anew(
    serving: Serving, terms: dict[str, Any]
) -> None:
    # Given a supplier that was there before there were terms
    company = serving.ask("grocer", "GET", "/v1/company").json()
    assert (company["documents"], company["accepted"], company["terms_due"]) == ([], [], True)
    target = f"/v1/company/terms/{company['terms']['id']}:accept"
    assert serving.ask("grocer", "POST", target, key=True).status_code == 200
    assert serving.ask("grocer", "POST", target, key=True).status_code == 200
    assert serving.ask("street", "POST", target, key=True).status_code == 404
    # When a version comes that does not bind, nothing is due; one that binds is
    for is_binding in (False, True):
        body = {**TERMS, "is_binding": is_binding}
        assert (
            serving.ask("operator", "POST", "/v1/operator/terms", body, key=True).status_code == 201
        )
        company = serving.ask("grocer", "GET", "/v1/company").json()
        assert company["terms_due"] is is_binding
    # And the old one can't be accepted any more
    assert serving.ask("grocer", "POST", target, key=True).json()["code"] == "terms_outdated"
    listed = serving.ask("operator", "GET", "/v1/operator/terms?kind=supplier").json()["items"]
    assert [each["version"] for each in listed] == [3, 2, 1]
    # When it sends a licence, and another in its place
    upload = "/v1/company/documents:upload?kind=licence&expires_on=2026-12-20"
    first = serving.ask("grocer", "POST", upload, PNG, key=True).json()
    renewed = f"/v1/company/documents:upload?kind=other&replaces={first['id']}"
    assert serving.ask("farm", "POST", renewed, PNG, key=True).status_code == 404
    second = serving.ask("grocer", "POST", renewed, PNG, key=True).json()
    # Then the first is ended and the second proves the same
    shown = serving.ask("grocer", "GET", "/v1/company").json()["documents"]
    assert [(each["kind"], each["ended_at"] is None) for each in shown] == [
        ("licence", True),
        ("licence", False),
    ]
    file = f"/v1/company/documents/{second['id']}/file"
    assert serving.ask("grocer", "GET", file).content == PNG
    assert serving.ask("farm", "GET", file).status_code == 404
