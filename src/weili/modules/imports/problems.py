"""What the imports refuse."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

MAPPING_WORD: Final = Said("mapping", "列映射", code="mapping")


class MappingUnreadable(Problem):
    """The text is no mapping."""

    kind = Kind.INVALID
    code = "mapping_unreadable"
    en = "The mapping can't be read: {why}."
    zh = "列映射无法读取：{why}。"


class MappingsTooMany(Problem):
    """The party has as many mappings as one may have."""

    kind = Kind.CONFLICT
    code = "mappings_too_many"
    en = "There are {bound} mappings already; remove one that is not needed."
    zh = "已有 {bound} 个列映射；请先删除不需要的。"
