"""What the regions refuse."""

from weili.kit.problems import Kind, Problem


class RegionUnknown(Problem):
    """A code that names no region."""

    kind = Kind.UNPROCESSABLE
    code = "region_unknown"
    en = "There is no region with the code {region}."
    zh = "不存在代码为 {region} 的行政区划。"
