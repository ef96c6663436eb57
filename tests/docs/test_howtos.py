"""What the how-tos show in Python works."""

from pathlib import Path

from tests.docs.shell_blocks import fenced
from weili.modules import goods, parties

HOWTO = Path(__file__).parents[2] / "docs" / "howto"


def test_the_signing_shown_in_python_signs_what_the_server_checks() -> None:
    [code] = [
        body
        for language, body in fenced(HOWTO / "sign-a-request.md")
        if language == "python" and "def signing_headers" in body
    ]
    names: dict[str, object] = {}
    exec(compile(code, "sign-a-request.md", "exec"), names)  # noqa: S102 - our own page
    signing_headers = names["signing_headers"]
    assert callable(signing_headers)

    headers = signing_headers("key_1", "a secret", "POST", "/v1/orders?x=1", b"{}")

    assert headers["Weili-Key"] == "key_1"
    expected = parties.sign(
        "a secret",
        parties.string_to_sign(
            method="POST",
            path="/v1/orders?x=1",
            timestamp=headers["Weili-Timestamp"],
            nonce=headers["Weili-Nonce"],
            body_sha256=parties.body_sha256(b"{}"),
        ),
    )
    assert headers["Weili-Signature"] == expected
    assert 16 <= len(headers["Weili-Nonce"]) <= 64


def test_the_columns_named_for_an_import_are_those_of_a_sheet() -> None:
    text = (HOWTO / "import-goods.md").read_text(encoding="utf-8")

    for column in goods.SHEET_COLUMNS:
        assert f"`{column}`" in text
