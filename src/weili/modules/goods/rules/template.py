"""Pure decisions about attributes: what a template may say, and what goods say by it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from weili.kit.problems import FieldProblem, Said, either, pointer
from weili.modules.goods.model import Attribute, AttributeKind, AttributeUse

TEMPLATE_MAX: Final = 50
"""Attributes that one category may add to those it inherits."""

CHOICES_MAX: Final = 200
VALUE_MAX: Final = 500
VARIANT_VALUE_MAX: Final = 60
"""A variant's values are indexed, so they are shorter than others."""

VARIANT_NAMES_MAX: Final = 3
FREE_MAX: Final = 50
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_TRUTHS: Final = ("true", "false")


def template_merged(levels: Sequence[Sequence[Attribute]]) -> dict[str, Attribute]:
    """Give the attributes that hold for a category: its own and those above, the top first.

    One of the same name below takes the place of the one above.
    """
    merged: dict[str, Attribute] = {}
    for level in levels:
        merged |= {attribute.name: attribute for attribute in level}
    return merged


def template_faults(attributes: Sequence[Attribute]) -> Iterator[FieldProblem]:
    """List what is wrong with the attributes that a category is to have."""
    seen: set[str] = set()
    for index, attribute in enumerate(attributes):
        path = f"/attributes/{index}"
        if attribute.name in seen:
            expected = Said(
                f"each name once; {attribute.name} comes twice",
                f"名称不重复；{attribute.name} 出现两次",
            )
            yield FieldProblem(f"{path}/name", "repeated", expected)
        seen.add(attribute.name)
        is_enum = attribute.kind is AttributeKind.ENUM
        if is_enum != bool(attribute.choices):
            expected = Said("choices for an enum, and for nothing else", "仅枚举类型须给出可选值")
            yield FieldProblem(f"{path}/choices", "unfit", expected)
        if len(set(attribute.choices)) < len(attribute.choices):
            yield FieldProblem(
                f"{path}/choices", "repeated", Said("each choice once", "可选值不重复")
            )
        if attribute.unit and attribute.kind is not AttributeKind.NUMBER:
            yield FieldProblem(
                f"{path}/unit", "unfit", Said("a unit for a number only", "仅数值类型可有单位")
            )


def attributes_faults(
    template: Mapping[str, Attribute], values: Mapping[str, str], *, path: str
) -> Iterator[FieldProblem]:
    """List what is wrong with what an SPU says of itself; names no template knows are free text."""
    for name, attribute in template.items():
        if attribute.use is AttributeUse.VARIANT:
            if name in values:
                expected = Said(
                    f"{name} in each SKU's variant_values instead, for it tells variants apart",
                    f"将 {name} 写在各 SKU 的 variant_values 中（它用于区分规格）",
                )
                yield FieldProblem(_at(path, name), "misplaced", expected)
        elif name in values:
            yield from _value_faults(attribute, values[name], path=_at(path, name))
        elif attribute.is_required:
            yield FieldProblem(_at(path, name), "missing", _expected(attribute))
    if len(values.keys() - template.keys()) > FREE_MAX:
        expected = Said(
            f"at most {FREE_MAX} attributes beside the category's own",
            f"类目模板之外的属性不超过 {FREE_MAX} 个",
        )
        yield FieldProblem(path, "too_many", expected)


def variants_faults(
    template: Mapping[str, Attribute],
    variants: Sequence[Mapping[str, str]],
    others: Sequence[Mapping[str, str]],
    *,
    path: str,
) -> Iterator[FieldProblem]:
    """List what is wrong with what tells an SPU's variants apart.

    ``others`` are the values of variants that the SPU has besides.
    """
    named = {name for name, each in template.items() if each.use is AttributeUse.VARIANT}
    wanted = set(variants[0])
    seen = [dict(other) for other in others]
    for index, values in enumerate(variants):
        at = f"{path}/{index}/variant_values"
        if set(values) != wanted or (len(variants) + len(others) > 1 and not values):
            names = either(sorted(wanted)) if wanted else None
            expected = Said(
                "values that tell the variants apart, of the same names in each SKU"
                + (f": {', '.join(sorted(wanted))}" if names else ""),
                "区分规格的取值，各 SKU 名称一致"
                + (f"：{'、'.join(sorted(wanted))}" if names else ""),
            )
            yield FieldProblem(at, "uneven", expected)
        elif values and dict(values) in seen:
            yield FieldProblem(
                at, "repeated", Said("values that no other variant has", "与其他规格不同的取值")
            )
        seen.append(dict(values))
        yield from _named_faults(template, named, values, at)


def _named_faults(
    template: Mapping[str, Attribute], named: set[str], values: Mapping[str, str], at: str
) -> Iterator[FieldProblem]:
    if len(values) > VARIANT_NAMES_MAX:
        expected = Said(f"at most {VARIANT_NAMES_MAX} names", f"不超过 {VARIANT_NAMES_MAX} 个名称")
        yield FieldProblem(at, "too_many", expected)
    for name, value in values.items():
        if named and name not in named:
            yield FieldProblem(_at(at, name), "unknown", either(sorted(named)))
        elif len(value) > VARIANT_VALUE_MAX:
            expected = Said(
                f"at most {VARIANT_VALUE_MAX} characters", f"不超过 {VARIANT_VALUE_MAX} 个字符"
            )
            yield FieldProblem(_at(at, name), "too_long", expected)
        elif name in template:
            yield from _value_faults(template[name], value, path=_at(at, name))
    for name in sorted(named - values.keys()):
        if template[name].is_required:
            yield FieldProblem(_at(at, name), "missing", _expected(template[name]))


def _value_faults(attribute: Attribute, value: str, *, path: str) -> Iterator[FieldProblem]:
    match attribute.kind:
        case AttributeKind.TEXT:
            is_fit = 0 < len(value) <= VALUE_MAX
        case AttributeKind.NUMBER:
            is_fit = _NUMBER.fullmatch(value) is not None
        case AttributeKind.ENUM:
            is_fit = value in attribute.choices
        case AttributeKind.BOOL:
            is_fit = value in _TRUTHS
    if not is_fit:
        yield FieldProblem(path, "unfit", _expected(attribute))


def _expected(attribute: Attribute) -> Said:
    match attribute.kind:
        case AttributeKind.TEXT:
            return Said(f"a text of 1 to {VALUE_MAX} characters", f"1 至 {VALUE_MAX} 个字符的文字")
        case AttributeKind.NUMBER:
            unit = attribute.unit
            return Said(
                f"a number in {unit}, such as 500 or 1.5" if unit else "a number such as 1.5",
                f"以{unit}计的数值，如 500 或 1.5" if unit else "数值，如 1.5",
            )
        case AttributeKind.ENUM:
            return either(attribute.choices)
        case AttributeKind.BOOL:
            return either(_TRUTHS)


def _at(path: str, name: str) -> str:
    """Point at a member (RFC 6901)."""
    return path + pointer(name)
