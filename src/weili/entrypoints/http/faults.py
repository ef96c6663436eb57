"""What Pydantic finds wrong with a field, said in both languages by the type of its error.

Pydantic speaks English, and of Python: of dictionaries, and of classes that no client knows. Here
is what JSON can bring about; ``{names}`` are those of the error's own context.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from weili.kit.problems import Said

_OBJECT: Final = Said("an object", "对象")
_WHOLE: Final = Said("a whole number", "整数")
_NUMBER: Final = Said("a number", "数字")
_TRUTH: Final = Said("true or false", "true 或 false")
_DAY: Final = Said("a date, as 2026-11-20", "日期，如 2026-11-20")
_MOMENT: Final = Said("a time, as 2026-11-20T08:00:00Z", "时间，如 2026-11-20T08:00:00Z")
_TEXT: Final = Said("a text", "文本")
_CHOICE: Final = Said("{expected}", "{expected} 之一")

FAULTS: Final[Mapping[str, Said]] = MappingProxyType(
    {
        "bool_parsing": _TRUTH,
        "bool_type": _TRUTH,
        "date_from_datetime_inexact": _DAY,
        "date_from_datetime_parsing": _DAY,
        "date_parsing": _DAY,
        "date_type": _DAY,
        "datetime_from_date_parsing": _MOMENT,
        "datetime_parsing": _MOMENT,
        "datetime_type": _MOMENT,
        "dict_type": _OBJECT,
        "enum": _CHOICE,
        "extra_forbidden": Said("no such field", "没有这个字段"),
        "finite_number": _NUMBER,
        "float_parsing": _NUMBER,
        "float_type": _NUMBER,
        "greater_than": Said("more than {gt}", "大于 {gt}"),
        "greater_than_equal": Said("at least {ge}", "不小于 {ge}"),
        "int_from_float": _WHOLE,
        "int_parsing": _WHOLE,
        "int_parsing_size": Said("a whole number that is not so long", "位数较少的整数"),
        "int_type": _WHOLE,
        "less_than": Said("less than {lt}", "小于 {lt}"),
        "less_than_equal": Said("at most {le}", "不大于 {le}"),
        "list_type": Said("a list", "列表"),
        "literal_error": _CHOICE,
        "missing": Said("a value; the field is missing", "必填，该字段缺失"),
        "model_attributes_type": _OBJECT,
        "model_type": _OBJECT,
        "multiple_of": Said("a multiple of {multiple_of}", "{multiple_of} 的倍数"),
        "none_required": Said("null", "null"),
        "recursion_depth_exceeded": Said("fewer levels of nesting", "较少的嵌套层数"),
        "recursion_loop": Said("fewer levels of nesting", "较少的嵌套层数"),
        "string_pattern_mismatch": Said(
            "a text of the pattern `{pattern}`", "符合格式 `{pattern}` 的文本"
        ),
        "string_too_long": Said(
            "a text of at most {max_length} characters", "不超过 {max_length} 个字符的文本"
        ),
        "string_too_short": Said(
            "a text of at least {min_length} characters", "不少于 {min_length} 个字符的文本"
        ),
        "string_type": _TEXT,
        "string_unicode": Said("a text in UTF-8", "UTF-8 编码的文本"),
        "timezone_aware": Said("a time with an offset", "带时区的时间"),
        "too_long": Said("at most {max_length} items", "不超过 {max_length} 项"),
        "too_short": Said("at least {min_length} items", "不少于 {min_length} 项"),
    }
)

_OTHER: Final = "符合接口文档的取值"


def fault_said(kind: str, context: Mapping[str, Any], message: str) -> Said:
    """Say what a field was expected to be; ``message`` is Pydantic's own, for what is not here."""
    template = FAULTS.get(kind)
    if template is None:
        return Said(message, _OTHER)
    chinese = dict(context)
    if "expected" in chinese:
        # Pydantic quotes the choices, and joins them with commas and an English word.
        choices = str(chinese["expected"]).replace("'", "").replace(" or ", ", ")
        chinese["expected"] = choices.replace(", ", "、")
    return Said(template.en.format(**context), template.zh.format(**chinese))
