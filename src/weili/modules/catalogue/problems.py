"""What the catalogue refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

SELECTION_WORD: Final = Said("selection", "选品单", code="selection")


class SelectionNameTaken(Problem):
    """The partner has a selection of that name."""

    kind = Kind.CONFLICT
    code = "selection_name_taken"
    en = "You have a selection named {name} already."
    zh = "已有名为 {name} 的选品单。"


class SelectionFull(Problem):
    """A bound on selections, their SKUs or rules is reached."""

    kind = Kind.CONFLICT
    code = "selection_full"
    en = "At most {bound} {what}; take some out first."
    zh = "最多 {bound} {what}；请先移除一些。"


class BelowCostUnexplained(Problem):
    """A rule would sell below cost and gives no reason."""

    kind = Kind.UNPROCESSABLE
    code = "below_cost_unexplained"
    en = "Rule {rule} takes off from the cost; state the reason for it, or a mark-up of 0 or more."
    zh = "第 {rule} 条规则低于成本；请填写低于成本的理由，或将加价设为不小于 0。"
