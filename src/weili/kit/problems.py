"""Problems: what was refused, why, and whether asking again can help.

A problem is an expected refusal. It has a kind, a stable code, the place in the request it speaks
of, and a text in both languages in the reader's words; what is put into the text is in both as
well. One table maps kinds to what each face answers with. A bug is an ordinary exception, never a
problem.

Source: RFC 9457 for the shape on the wire.
"""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final


class Kind(StrEnum):
    """What sort of refusal it is; faces translate by this alone."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNPROCESSABLE = "unprocessable"
    TOO_LARGE = "too_large"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Answer:
    """How each face answers a kind of problem."""

    http_status: int
    exit_code: int
    job_retries: bool


ANSWERS: Final[Mapping[Kind, Answer]] = MappingProxyType(
    {
        Kind.INVALID: Answer(400, 2, job_retries=False),
        Kind.UNAUTHENTICATED: Answer(401, 3, job_retries=False),
        Kind.FORBIDDEN: Answer(403, 4, job_retries=False),
        Kind.NOT_FOUND: Answer(404, 5, job_retries=False),
        Kind.CONFLICT: Answer(409, 6, job_retries=False),
        Kind.UNPROCESSABLE: Answer(422, 7, job_retries=False),
        Kind.TOO_LARGE: Answer(413, 8, job_retries=False),
        Kind.BUSY: Answer(429, 9, job_retries=True),
        Kind.UNAVAILABLE: Answer(503, 10, job_retries=True),
    }
)


@dataclass(frozen=True, slots=True)
class Said:
    """Words in both languages, to be put into a sentence of either.

    With ``code`` a program is told that instead, in the members of a problem document.
    """

    en: str
    zh: str
    code: str = ""

    def __str__(self) -> str:
        return self.en

    def text(self, language: str) -> str:
        """Say it in ``zh`` or ``en``."""
        return self.zh if language == "zh" else self.en

    def as_json(self, language: str) -> str:
        """Tell a program."""
        return self.code or self.text(language)


def either(choices: Sequence[object], none: Said | None = None) -> Said:
    """Say that one of the choices is expected; ``none`` is said where there is nothing to choose.

    The choices are names that both languages write the same way.
    """
    if not choices and none is not None:
        return none
    return Said(f"one of {', '.join(map(str, choices))}", f"{'、'.join(map(str, choices))} 之一")


_MACHINE: Final[Mapping[int, str]] = MappingProxyType(
    {
        errno.EACCES: "没有访问权限",
        errno.EADDRINUSE: "地址已被占用",
        errno.EADDRNOTAVAIL: "本机没有该地址",
        errno.EDQUOT: "超出磁盘配额",
        errno.EEXIST: "文件已存在",
        errno.EIO: "读写出错",
        errno.EISDIR: "这是一个目录",
        errno.ELOOP: "符号链接层数过多",
        errno.EMFILE: "打开的文件过多",
        errno.ENAMETOOLONG: "文件名过长",
        errno.ENOENT: "文件或目录不存在",
        errno.ENOSPC: "磁盘空间不足",
        errno.ENOTDIR: "路径中有一段不是目录",
        errno.EPERM: "系统不允许该操作",
        errno.EROFS: "文件系统为只读",
    }
)


def machine_said(error: OSError) -> Said:
    """Say why the machine refused; Chinese gives a number where it has no words."""
    number = error.errno or 0
    en = error.strerror or str(error) or type(error).__name__
    return Said(en, _MACHINE.get(number, f"系统错误 {number}"))


def pointer(*parts: object) -> str:
    """Write a JSON pointer. Source: RFC 6901, section 3."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that is wrong: where (a JSON pointer), what, and what was expected."""

    path: str
    code: str
    expected: Said

    def as_json(self, language: str) -> dict[str, str]:
        """Give the member of the problem document's ``fields`` list."""
        return {"path": self.path, "code": self.code, "expected": self.expected.text(language)}


class Problem(Exception):
    """A refusal that its reader can understand and act on.

    A subclass states ``kind``, ``code``, the English and Chinese text (``str.format`` templates
    over the keyword arguments it is raised with) and whether the same request may be repeated
    unchanged. The arguments appear in the problem document as members of their own. An argument
    that is words, and not a name, a code or a number, is ``Said``.
    """

    kind: ClassVar[Kind]
    code: ClassVar[str]
    en: ClassVar[str]
    zh: ClassVar[str]
    repeatable: ClassVar[bool] = False

    catalogue: ClassVar[dict[str, type["Problem"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" in cls.__dict__:
            twin = Problem.catalogue.setdefault(cls.code, cls)
            if (twin.__module__, twin.__qualname__) != (cls.__module__, cls.__qualname__):
                raise TypeError(f"two problems share the code {cls.code!r}: {twin}, {cls}")

    def __init__(self, *, fields: tuple[FieldProblem, ...] = (), **members: object) -> None:
        super().__init__(members)
        self.fields = fields
        self.members = members

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: str) -> str:
        """Say it in ``zh`` or ``en``."""
        said = {name: _in_words(value, language) for name, value in self.members.items()}
        return (self.zh if language == "zh" else self.en).format(**said)

    def as_json(self, language: str = "en") -> dict[str, Any]:
        """Give the problem document (RFC 9457), without the members that a face adds."""
        answer = ANSWERS[self.kind]
        document: dict[str, Any] = {
            "type": f"https://weili.dev/problems/{self.code}",
            "title": self.code.replace("_", " "),
            "status": answer.http_status,
            "code": self.code,
            "detail": self.text(language),
            "repeatable": self.repeatable,
        }
        if self.fields:
            document["fields"] = [field.as_json(language) for field in self.fields]
        if self.members:
            document["members"] = {
                name: value.as_json(language) if isinstance(value, Said) else value
                for name, value in self.members.items()
            }
        return document


def _in_words(value: object, language: str) -> object:
    """Make a member ready for the sentence."""
    match value:
        case Said():
            return value.text(language)
        case list() | tuple():
            return ("、" if language == "zh" else ", ").join(map(str, value))
        case _:
            return value


class InputInvalid(Problem):
    """The request's form is wrong; each field at fault is listed."""

    kind = Kind.INVALID
    code = "input_invalid"
    en = "{count} field(s) of the request are not as expected; see fields."
    zh = "请求中有 {count} 个字段不符合要求，详见 fields。"

    def __init__(self, *, fields: tuple[FieldProblem, ...]) -> None:
        super().__init__(fields=fields, count=len(fields))


class IdMalformed(Problem):
    """A written id is not of the kind that belongs there."""

    kind = Kind.INVALID
    code = "id_malformed"
    en = "The id at {path} is not valid: expected {expected}."
    zh = "{path} 处的编号无效：应为 {expected}。"

    def __init__(self, *, path: str, expected: Said) -> None:
        super().__init__(path=path, expected=expected)
        self.expected = expected


class CursorInvalid(Problem):
    """A page cursor was not made by this service, or belongs to another list."""

    kind = Kind.INVALID
    code = "cursor_invalid"
    en = "The cursor is not one that this list gave out; begin again without a cursor."
    zh = "游标不是本列表返回的；请去掉游标从头开始。"


class Unauthenticated(Problem):
    """Who asks could not be established."""

    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"
    en = "The request's credentials were not accepted: {why}."
    zh = "请求的凭证未被接受：{why}。"


class Forbidden(Problem):
    """Who asks is known, but may not do this."""

    kind = Kind.FORBIDDEN
    code = "forbidden"
    en = "This key may not do that: it needs the scope {needs}."
    zh = "该密钥无权执行此操作：需要权限 {needs}。"


class NotFound(Problem):
    """Nothing of that name exists for the one who asks."""

    kind = Kind.NOT_FOUND
    code = "not_found"
    en = "There is no {what} {id}."
    zh = "不存在{what} {id}。"


class StateConflict(Problem):
    """A thing's state does not allow the step that was asked for."""

    kind = Kind.CONFLICT
    code = "state_conflict"
    en = "{what} {id} is {state}; that step needs it to be {needs}."
    zh = "{what} {id} 当前状态为 {state}；该操作要求其状态为 {needs}。"


class KeyReused(Problem):
    """An idempotency key came with another body than the first time."""

    kind = Kind.UNPROCESSABLE
    code = "idempotency_key_reused"
    en = "The key {key} was used before with another body; nothing was done."
    zh = "幂等键 {key} 已用于内容不同的请求；未执行任何操作。"


class KeyMissing(Problem):
    """A request that changes something came without an idempotency key."""

    kind = Kind.INVALID
    code = "idempotency_key_missing"
    en = "This request changes something; send an Idempotency-Key header of 1 to 255 characters."
    zh = "该请求会产生变更；请携带 1 至 255 个字符的 Idempotency-Key 请求头。"


class InFlight(Problem):
    """The same request is being carried out right now."""

    kind = Kind.CONFLICT
    code = "request_in_flight"
    en = "A request with the same key is being carried out; ask again in a moment."
    zh = "相同幂等键的请求正在处理中；请稍后重试。"
    repeatable = True


class Busy(Problem):
    """More work is waiting than the bound allows; nothing was begun."""

    kind = Kind.BUSY
    code = "busy"
    en = "The service is at its bound; nothing was begun. Repeat the request in {retry_after_s} s."
    zh = "服务已达处理上限，请求未被执行。请在 {retry_after_s} 秒后重试。"
    repeatable = True


class Unavailable(Problem):
    """The database or another needed part does not answer at the moment."""

    kind = Kind.UNAVAILABLE
    code = "unavailable"
    en = (
        "The service can't complete the request now; what it was to do may or may not be done. "
        "Repeat it with the same key or number in {retry_after_s} s."
    )
    zh = (
        "服务暂时无法完成请求，操作可能已执行也可能未执行。"
        "请在 {retry_after_s} 秒后用相同的幂等键或单号重试。"
    )
    repeatable = True


class BodyTooLarge(Problem):
    """The request's body is larger than the bound."""

    kind = Kind.TOO_LARGE
    code = "body_too_large"
    en = "The body is larger than {bytes_max} bytes; split the request."
    zh = "请求体超过 {bytes_max} 字节；请拆分后再提交。"


class SandboxOnly(Problem):
    """Something that only a sandbox world offers was asked of the live one."""

    kind = Kind.FORBIDDEN
    code = "sandbox_only"
    en = "Only a sandbox world offers this; the live world does not."
    zh = "该功能仅在沙箱环境提供，正式环境不可用。"
