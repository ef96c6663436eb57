"""Pure decisions of imports: reading a mapping, and a row by it."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from html.parser import HTMLParser
from typing import Final

import msgspec

from weili.kit.money import fen_from_yuan, portion_half_up, yuan_from_fen
from weili.kit.problems import FieldProblem, InputInvalid, Said, either, pointer
from weili.modules.goods import (
    CATEGORY_KNOWN,
    SHEET_COLUMNS,
    SHEET_REQUIRED,
    CategoryNames,
    category_parts,
)
from weili.modules.imports.model import (
    DAILY_COLUMNS,
    NAME_MAX,
    NAMES_MAX,
    SHARE_BPS_MAX,
    TEXT_MAX,
    VALUES_MAX,
    Columns,
    Rule,
    Unit,
)
from weili.modules.imports.problems import MappingUnreadable

_COLUMNS: Final = (*SHEET_COLUMNS, *DAILY_COLUMNS)
_MONEY: Final = ("cost", "price", "compare_at_price")
_NOT_JSON: Final = Said("it is not JSON of the shape that is asked for", "不是所要求结构的 JSON")
_SOURCE: Final = either(("heading", "value", "share_of", "names"))
_NUL: Final = "\0"
"""What no table keeps, and no sheet holds."""
_NO_NUL: Final = Said("texts without the character NUL", "不含空字符的文本")
_NO_MARKUP_IN: Final = frozenset({"script", "style", "template", "head"})


def columns_read(text: bytes) -> dict[str, Rule]:
    """Read a mapping: a rule for each of our columns; a plain text names the file's heading.

    Raises: MappingUnreadable; InputInvalid, listing each rule that is wrong.
    """
    try:
        raw = msgspec.json.decode(text, type=dict[str, str | Rule])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MappingUnreadable(why=_NOT_JSON) from None
    columns = {
        name: Rule(heading=rule) if isinstance(rule, str) else rule for name, rule in raw.items()
    }
    wrong = [
        FieldProblem(f"/{name}", "column_unknown", either(_COLUMNS))
        for name in columns
        if name not in _COLUMNS
    ]
    for name, rule in columns.items():
        wrong += _rule_wrong(f"/{name}", name, rule)
    wrong += [
        FieldProblem(f"/{name}", "missing", Said("a rule for this column", "该列的规则"))
        for name in SHEET_REQUIRED
        if name not in columns
    ]
    if wrong:
        raise InputInvalid(fields=tuple(wrong))
    return columns


def columns_write(columns: Columns) -> bytes:
    """Write a mapping as ``columns_read`` reads it."""
    return msgspec.json.encode(dict(columns))


def _rule_wrong(path: str, column: str, rule: Rule) -> Iterator[FieldProblem]:
    sources = (rule.heading, rule.value, rule.share_of, rule.names)
    if sum(source is not None for source in sources) != 1:
        yield FieldProblem(path, "source", _SOURCE)
    if (rule.share_of is None) != (rule.share_bps is None):
        yield FieldProblem(path, "share", Said("of what and how much", "须同时给出列与比例"))
    if rule.share_of is not None and (column not in _MONEY or rule.share_of not in _MONEY):
        yield FieldProblem(f"{path}/share_of", "not_money", either(_MONEY))
    if rule.share_of == column:
        yield FieldProblem(f"{path}/share_of", "itself", Said("another column", "其他列"))
    if rule.share_bps is not None and not 0 < rule.share_bps <= SHARE_BPS_MAX:
        yield FieldProblem(
            f"{path}/share_bps",
            "out_of_range",
            Said(f"1 to {SHARE_BPS_MAX}", f"1 至 {SHARE_BPS_MAX}"),
        )
    if rule.names is not None and column != "attributes":
        yield FieldProblem(f"{path}/names", "not_attributes", Said("no names here", "此列不可用"))
    if rule.unit is Unit.FEN and column not in _MONEY:
        yield FieldProblem(f"{path}/unit", "not_money", either(_MONEY))
    for bound, size in ((VALUES_MAX, rule.values or ()), (NAMES_MAX, rule.names or ())):
        if len(size) > bound:
            yield FieldProblem(path, "too_many", Said(f"at most {bound}", f"最多 {bound} 项"))
    for text in (rule.heading, rule.value, rule.prefix, *(rule.names or ())):
        if text is not None and len(text) > TEXT_MAX:
            yield FieldProblem(
                path, "too_long", Said(f"at most {TEXT_MAX} characters", f"最多 {TEXT_MAX} 个字符")
            )
    told = (rule.heading, rule.value, rule.prefix, *(rule.names or ()))
    values = [text for pair in (rule.values or {}).items() for text in pair]
    if any(_NUL in (text or "") for text in (*told, *values)):
        yield FieldProblem(path, "unfit", _NO_NUL)
    for name, part in (rule.names or {}).items():
        if part.names is not None:
            yield FieldProblem(f"{path}/names/{name}", "nested", Said("no names", "不可再嵌套"))
        else:
            yield from _rule_wrong(f"{path}/names/{name}", "", part)


def has_own_categories(columns: Columns) -> bool:
    """Say whether a mapping translates a file's categories into ours, or gives all rows one."""
    rule = columns.get("category", Rule())
    return rule.values is not None or rule.value is not None


def categories_check(columns: Columns, known: Collection[CategoryNames]) -> None:
    """Refuse a mapping that leads to categories which there are none of.

    Raises: InputInvalid, listing each of the file's own texts that leads nowhere.
    """
    rule = columns.get("category", Rule())
    meant = {"/category/value": rule.value} if rule.value is not None else {}
    for text, path in (rule.values or {}).items():
        meant[pointer("category", "values", text)] = rule.prefix + path
    if wrong := [place for place, path in meant.items() if category_parts(path) not in known]:
        raise InputInvalid(
            fields=tuple(FieldProblem(place, "category_unknown", CATEGORY_KNOWN) for place in wrong)
        )


def name_checked(name: str) -> str:
    """Give a mapping's name without blanks around it.

    Raises: InputInvalid.
    """
    name = name.strip()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        expected = Said(f"1 to {NAME_MAX} printable characters", f"1 至 {NAME_MAX} 个可见字符")
        raise InputInvalid(fields=(FieldProblem("/name", "name", expected),))
    return name


def headings_of(columns: Columns) -> frozenset[str]:
    """Say which headings a mapping needs, as the reader of sheets folds them."""
    return frozenset(
        rule.heading.strip().casefold()
        for column in columns.values()
        for rule in (column, *(column.names or {}).values())
        if rule.heading is not None
    )


def headings_named(columns: Columns, headings: Mapping[str, str]) -> dict[str, str]:
    """Say for each of our columns what the file calls where its cells come from.

    ``headings`` are the file's own, by how the reader of sheets folds them. A column whose cells
    come from the mapping alone has none.
    """
    named: dict[str, str] = {}
    for name, rule in columns.items():
        source = columns.get(rule.share_of, rule) if rule.share_of is not None else rule
        folded = headings_of({name: source})
        if found := [heading for fold, heading in headings.items() if fold in folded]:
            named[name] = ", ".join(found)
    return named


def mapped(columns: Columns, raw: Mapping[str, str]) -> dict[str, str]:
    """Turn a file's row into a row of our sheet.

    A cell that can't be turned is left as it is: whoever checks the row names it and says what
    was expected. Cells beyond the header stay under their empty name, to be refused there.
    """
    cells = {name: _cell(rule, raw) for name, rule in columns.items() if rule.share_of is None}
    for name, rule in columns.items():
        if rule.share_of is not None and rule.share_bps is not None:
            cells[name] = _share(cells.get(rule.share_of, ""), rule.share_bps)
    if raw.get(""):
        cells[""] = raw[""]
    return cells


def _cell(rule: Rule, raw: Mapping[str, str]) -> str:
    if rule.names is not None:
        parts = ((name, _cell(part, raw)) for name, part in rule.names.items())
        return ";".join(f"{name}={_plain(text)}" for name, text in parts if text)
    if rule.value is not None:
        return rule.value
    text = raw.get((rule.heading or "").strip().casefold(), "").strip()
    if rule.html:
        text = html_text(text)
    if rule.values is not None:
        text = rule.values.get(text, text)
    if rule.unit is Unit.FEN and text.isascii() and text.isdigit():
        text = yuan_from_fen(int(text))
    return rule.prefix + text if text else ""


def _plain(text: str) -> str:
    """Keep a part from being taken for two: attributes are written with ``;`` between them."""
    return text.replace(";", "，").replace("；", "，")


def _share(amount: str, share_bps: int) -> str:
    """Give a share of an amount in yuan, rounded half up to the fen; of no amount, none."""
    try:
        return yuan_from_fen(portion_half_up(fen_from_yuan(amount), share_bps))
    except ValueError:
        return amount


class _TextOf(HTMLParser):
    """Collects what a reader of the page would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's own signature
        self._hidden += tag in _NO_MARKUP_IN
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _NO_MARKUP_IN))
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def html_text(text: str) -> str:
    """Give what a reader of a piece of HTML would see, in one line."""
    if "<" not in text and "&" not in text:
        return text
    parser = _TextOf()
    parser.feed(text)
    parser.close()
    return " ".join("".join(parser.parts).split())


def day_read(text: str) -> date | None:
    """Read a day as people write it: 2016-11-05, 2016/11/5, 2016.11.05, 20161105."""
    text = text.strip().split(" ")[0].split("T")[0]
    parts = text.replace("/", "-").replace(".", "-").split("-")
    if len(parts) == 1 and len(text) == len("20161105"):
        parts = [text[:4], text[4:6], text[6:]]
    if len(parts) != len(("year", "month", "day")) or not all(
        part.isascii() and part.isdigit() for part in parts
    ):
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None
