"""Every relative link in our Markdown leads somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def test_every_relative_link_resolves() -> None:
    pages = markdown_pages()
    assert CHECKOUT / "README.md" in pages

    assert [broken for page in pages for broken in broken_links(page)] == []


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("there.md", False),
        ("there.md#a-heading-of-two", False),
        ("there.md#nowhere", True),
        ("folder", False),
        ("gone.md", True),
        ("https://example.org/anything", False),
        ("#here", False),
        ("#gone", True),
    ],
)
def test_a_broken_link_is_found(tmp_path: Path, link: str, is_broken: bool) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.md").write_text("# A heading, of `two`\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\nSee [this]({link}).\n", encoding="utf-8")

    assert broken_links(page) == ([f"{page}: {link}"] if is_broken else [])


def test_code_is_no_link(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`[a](gone.md)`\n\n```\n[b](gone.md)\n```\n", encoding="utf-8")

    assert broken_links(page) == []


def markdown_pages() -> list[Path]:
    """Gives every Markdown file that belongs to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pages = [CHECKOUT / name for name in listed.split("\0") if name]
    return [page for page in pages if page.is_file()]


def broken_links(page: Path) -> list[str]:
    """Lists the links of a page that lead nowhere."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    links = [match[1] or match[2] for match in LINK.finditer(text)]
    return [f"{page}: {link}" for link in links if not resolves(page, link)]


def resolves(page: Path, link: str) -> bool:
    """Says whether a link leads to a file and, if it names one, to a heading of it."""
    if re.match(r"[a-z][a-z0-9+.-]*:", link):
        return True
    path, _, anchor = link.partition("#")
    target = (page.parent / path) if path else page
    if not target.exists():
        return False
    if not anchor:
        return True
    headings = HEADING.findall(target.read_text(encoding="utf-8"))
    return anchor in {_anchor(heading) for heading in headings}


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", ""))
    return kept.strip().replace(" ", "-")
