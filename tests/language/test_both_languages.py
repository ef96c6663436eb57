"""Chinese is Chinese and English is English, in every text that a reader may be shown."""

import ast
import json
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from pydantic import TypeAdapter, ValidationError
from typer import rich_utils
from typer.main import get_command

import weili
from weili.entrypoints.cli import app, chinese, main, say
from weili.entrypoints.cli.chaos import chaos
from weili.entrypoints.cli.demo import demo
from weili.entrypoints.cli.docs import docs
from weili.entrypoints.http import app as http_app
from weili.entrypoints.http import fields, messages
from weili.entrypoints.http.faults import FAULTS
from weili.entrypoints.http.fields import Body
from weili.entrypoints.http.problems import body_invalid, input_invalid, problem_document
from weili.kit.problems import Problem, Said, either, machine_said

SOURCES: Final = Path(weili.__file__).parent

NAMES: Final = frozenset({
    "API", "Accept", "Authorization", "Bearer", "C", "CSV", "Ctrl", "GTIN", "HTML", "HTTP",
    "Idempotency", "JPEG", "JSON", "Key", "MP", "MiB", "Nonce", "PDF", "PNG", "PostgreSQL",
    "Prometheus", "RFC", "SKU", "SPU", "Signature", "Timestamp", "URL", "UTC",
    "UTF", "Unix", "WEILI_HOST", "WEILI_PORT", "WebP", "WEILI_WORLDS", "Weili", "XLSX", "bearer",
    "csv", "en", "false", "fields", "hmac", "id", "litemall", "nonce", "null", "on_hand",
    "on_hand_delta", "order", "placed", "quantity_min", "shell", "shipped", "true", "up",
    "variant_values",
    "weili", "weili_app", "xlsx", "zh",
})  # fmt: skip
"""Technical names that Chinese may hold."""

CODES: Final = frozenset(
    value.value
    for kind in StrEnum.__subclasses__()
    if kind.__module__.startswith("weili.")
    for value in kind
)
"""What the API calls states, roles and kinds."""

SPEAKERS: Final = frozenset({"Said", "UnfitError", "_wrong", "_refused", "words", "line", "note"})
"""What is called with a text in English and one in Chinese."""

_CHINESE: Final = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff01-\uff65]")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_']*")
_TECHNICAL: Final = re.compile(
    r"`[^`]*`"  # a command or a pattern
    r"|https?:\S*|[\w.]*/[\w./-]+"  # a URL, a path
    r"|--[\w-]+|<[^<>]+>|\{[^{}]*\}"  # an option, its type, a place to fill in
    r"|\b[a-z]{3,4}_(?![a-z])"  # the prefix of an id
    r"|\b\d[\dTZsmhd:-]*\b"  # a number, a moment, a span
    r"|\b[A-Z](?= [<>])|> [A-Z]\b"  # levels, as A > B > C
    r"|\[[\dx<>=]+\]|\[(?:默认|环境变量)：\S+\]"  # bounds and defaults that typer adds
    r"|\bCREATE ROLE [^;]*;|\bGRANT [^;]*;"
)


def strays(chinese_text: str) -> list[str]:
    """Give the English words of a Chinese text that are not technical names."""
    rest = _TECHNICAL.sub(" ", chinese_text)
    return [word for word in _WORD.findall(rest) if word not in NAMES | CODES]


def told_wrong(en: str, zh: str) -> list[str]:
    """Say what is wrong with the two texts of one thing."""
    wrong = [f"{zh!r} holds English: {word}" for word in strays(zh)]
    if _CHINESE.search(en):
        wrong.append(f"{en!r} holds Chinese")
    if _WORD.search(_TECHNICAL.sub(" ", en)) and not _CHINESE.search(zh):
        wrong.extend(f"{zh!r} is not Chinese" for _ in [0] if strays(en))
    return wrong


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


# --- problems ------------------------------------------------------------------------------------


def test_every_problem_says_the_same_in_either_language() -> None:
    ours = [one for one in Problem.catalogue.values() if one.__module__.startswith("weili.")]
    assert len(ours) > 40

    wrong = [text for problem in ours for text in told_wrong(problem.en, problem.zh)]
    uneven = [one.code for one in ours if placeholders(one.en) != placeholders(one.zh)]
    assert (wrong, uneven) == ([], [])


def spoken() -> Iterator[tuple[str, str, str]]:
    """Give where in the sources something is said in two languages, and both texts."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) != 2:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            if isinstance(node.func, ast.Name):
                name = node.func.id
            en, zh = map(written, node.args)
            if name in SPEAKERS and en is not None and zh is not None:
                yield f"{path.name}:{node.lineno}", en, zh


def written(node: ast.expr) -> str | None:
    """Give a text as it is written, with ``{}`` where a value is put in."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(written(part) or "{}" for part in parts)
        case _:
            return None


def test_whatever_is_put_into_a_sentence_is_said_in_its_language() -> None:
    found = list(spoken())
    assert len(found) > 100

    assert [(where, w) for where, en, zh in found for w in told_wrong(en, zh)] == []


def test_the_machines_refusals_and_choices_are_said_in_both_languages() -> None:
    for number in (1, 2, 13, 28, 98, 9_999):
        said = machine_said(OSError(number, "No such thing"))
        assert told_wrong(said.en, said.zh) == []
    assert either(["hmac", "bearer"]).zh == "hmac、bearer 之一"
    assert either([], none=Said("nothing", "空")).zh == "空"


# --- fields --------------------------------------------------------------------------------------

WRONG_VALUES: Final[Sequence[object]] = (
    None, True, -1, 0, 1.5, 10**40, "", " ", "\t", "x" * 3_000, "no such",
    [], {}, [[]], [{}], {"": 1},
)  # fmt: skip


def bodies(model: type[Body] = Body) -> Iterator[type[Body]]:
    for child in model.__subclasses__():
        yield child
        yield from bodies(child)


def documents(problem: Problem) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    english, chinese_one = (problem_document(problem, language) for language in ("en", "zh"))
    assert strays(chinese_one["detail"]) == []
    return english["fields"], chinese_one["fields"]


def fields_wrong(problem: Problem) -> list[str]:
    pairs = zip(*documents(problem), strict=True)
    return [w for en, zh in pairs for w in told_wrong(en["expected"], zh["expected"])]


def test_every_field_of_every_body_is_expected_in_both_languages() -> None:
    assert http_app.FACES  # Every face's bodies are known by now.
    wrong: list[str] = []
    unknown: set[str] = set()
    for model in bodies():
        tries: list[object] = [{}, [], {"no_such_field": 1}, None]
        tries += [{name: value} for name in model.model_fields for value in WRONG_VALUES]
        for value in tries:
            try:
                model.model_validate_json(json.dumps(value))
            except ValidationError as refused:
                types = {error["type"] for error in refused.errors()}
                unknown |= types - FAULTS.keys() - {"value_error"}
                wrong += fields_wrong(body_invalid(refused))

    assert (wrong, unknown) == ([], set())


@pytest.mark.parametrize(
    "kind",
    [
        fields.LimitIn, fields.CursorIn, fields.MomentIn, fields.NumberIn, fields.AreaIn,
        fields.PhoneIn, fields.SkuIdIn, fields.KeyIdIn, messages.TypesIn, messages.CountIn,
    ],
)  # fmt: skip
def test_every_parameter_is_expected_in_both_languages(kind: object) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    for value in WRONG_VALUES:
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            found = [{**one, "loc": ("query", "it")} for one in error.errors()]
            assert fields_wrong(input_invalid(found)) == []


@pytest.mark.parametrize("body", [b"{", b"[1,]", b"", b'{"a" 1}', b"\xff", b"nul", b'"\x01"'])
def test_a_body_that_is_no_json_is_refused_in_both_languages(body: bytes) -> None:
    with pytest.raises(ValidationError) as caught:
        next(bodies()).model_validate_json(body)
    problem = body_invalid(caught.value)

    assert problem.code == "body_unreadable"
    assert told_wrong(problem.text("en"), problem.text("zh")) == []


# --- the command line ----------------------------------------------------------------------------


# What typer's own copy of click calls it; that may not be imported by name.
_Command = Any


def commands(
    command: _Command, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], _Command]]:
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*words, name))


def alone(command: Callable[..., Any]) -> typer.Typer:
    """Give an application of one command, as those that are imported late are run."""
    made = typer.Typer(add_completion=False)
    made.command(command.__name__)(command)
    return made


APPS: Final = (app, alone(chaos), alone(demo), alone(docs))


def texts_of(command: _Command) -> list[str]:
    found = [command.help]
    for parameter in command.params:
        found += [getattr(parameter, "help", None), getattr(parameter, "prompt", None)]
    return [text for text in found if isinstance(text, str) and text]


def test_every_text_of_every_command_is_in_both_languages() -> None:
    wrong = []
    for one in APPS:
        pairs = zip(commands(get_command(one)), commands(chinese.command_of(one)), strict=True)
        for (words, english), (_, translated) in pairs:
            both = zip(texts_of(english), texts_of(translated), strict=True)
            wrong += [(words, w) for en, zh in both for w in told_wrong(en, zh)]

    assert wrong == []


def test_no_chinese_text_outlives_its_english_one() -> None:
    used = {
        " ".join(text.split())
        for one in APPS
        for _, command in commands(get_command(one))
        for text in texts_of(command)
    }
    refusals = {
        written(node.args[0])
        for path in (SOURCES / "entrypoints" / "cli").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "typer.BadParameter"
    }

    assert refusals <= chinese.TEXTS.keys()
    assert chinese.TEXTS.keys() - used - refusals == set()


def typed(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["weili", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def choose(language: str) -> None:
        for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LANG", language)

    for name in vars(rich_utils):
        if name.isupper() or name.endswith(("_STRING", "_TITLE", "_TEXT")):
            monkeypatch.setattr(rich_utils, name, getattr(rich_utils, name))
    monkeypatch.setattr(rich_utils, "MAX_WIDTH", 200)
    return choose


PATHS: Final = [words for words, command in commands(get_command(app)) if not command.hidden]


ARGUMENTS: Final = {
    parameter.name
    for _, command in commands(get_command(app))
    for parameter in command.params
    if parameter.param_type_name == "argument"
}


@pytest.mark.parametrize("words", PATHS, ids=" ".join)
def test_the_help_of_a_command_is_in_the_readers_language(
    words: tuple[str, ...],
    reading: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = {}
    for language in ("en_GB.UTF-8", "zh_CN.UTF-8"):
        reading(language)
        assert typed([*words, "--help"], monkeypatch) == 0
        told[language] = capsys.readouterr().out

    names = {part for path in PATHS for name in path for part in name.split("-")} | ARGUMENTS
    assert [word for word in strays(told["zh_CN.UTF-8"]) if word not in names] == []
    assert "用法：weili" in told["zh_CN.UTF-8"]
    assert not _CHINESE.search(told["en_GB.UTF-8"])


MISTYPED: Final[Mapping[str, str]] = {
    "key isue": "没有命令 isue；是否指 'issue'？",
    "nonsense": "没有命令 nonsense。",
    "verify --wrld x": "没有选项 --wrld。相近的选项：--world。",
    "verify x": "多余的参数：x。",
    "verify --json=1": "选项 --json 不接受值。",
    "key issue --kind": "选项 --kind 需要一个值。",
    "partner top-up x": "缺少 'amount'。",
    "partner top-up x y --reference 1": "应为金额（元），最多两位小数。",
    "import goods /no/such": "'file' 的值无效：“/no/such”不存在。",
    "import goods /": "'file' 的值无效：“/”是目录。",
    "demo --orders x": "'--orders' 的值无效：应为整数。",
    "demo --orders 3": "'--orders' 的值无效：应不小于 20。",
    "clock turn 5y": "请写作 90s、30m、12h 或 8d，最长十年。",
}


@pytest.mark.parametrize("typing", MISTYPED)
def test_what_was_typed_wrong_is_told_in_chinese(
    typing: str,
    reading: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reading("zh_CN.UTF-8")

    assert typed(typing.split(), monkeypatch) == 2
    assert MISTYPED[typing] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8", "LANGUAGE": "zh"}, "en"),
        ({"LC_ALL": "zh_CN.UTF-8", "LANG": "en_GB.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en"}, "en"),
        ({"LANGUAGE": "zh"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_readers_language_is_that_of_the_locale(environ: dict[str, str], language: str) -> None:
    assert say.language(environ) == language
