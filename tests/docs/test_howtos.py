"""What the how-tos show in Python works."""

import ast
import re
from pathlib import Path

from tests.docs.shell_blocks import fenced
from weili.modules import goods, parties
from weili.modules.pricing import store as pricing_store

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


def test_every_code_that_a_finding_may_have_is_explained() -> None:
    text = (HOWTO / "verify-a-world.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)

    assert len(explained) == len(set(explained))
    assert set(explained) == _codes_given()
    assert [code for code in explained if not re.fullmatch(r"[a-z]+(_[a-z]+)+", code)] == []


def _codes_given() -> set[str]:
    """Gather the codes that findings are made with; prices name theirs in their SQL."""
    codes = {
        code
        for path in Path(pricing_store.__path__[0]).glob("*.py")
        for code in re.findall(r"SELECT '(\w+)'", path.read_text(encoding="utf-8"))
    }
    for path in (HOWTO.parents[1] / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                if isinstance(node.args[0], ast.Constant):
                    codes.add(node.args[0].value)
                else:
                    assert path.parent.name == "pricing", path
    return codes
