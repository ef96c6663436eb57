"""The figures as a bar chart in SVG, for the documentation."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

CHART: Final = Path(__file__).parents[1] / "docs" / "pictures" / "orders-per-second.svg"
_GROUPS: Final[Sequence[tuple[str, Sequence[tuple[str, str]]]]] = (
    ("spread over all SKUs", (("L1", "l1_uniform"), ("order API", "api_uniform"))),
    ("one hot SKU", (("L1", "l1_hot"), ("order API", "api_hot"))),
    ("200 orders a call", (("L2", "l2"), ("order API", "api_batch"))),
)
_BAR, _GAP, _LEFT, _WIDE, _RIGHT = 22, 26, 90, 460, 150
_OURS, _FLOOR, _INK = "#c8102e", "#9aa0a6", "#202124"


def chart(results: Mapping[str, Any]) -> str:
    """Draw orders a second of the baselines and of the API, with the least and the greatest."""
    figures = {name: figure["orders_per_s"] for name, figure in results["figures"].items()}
    most = max(figures[name]["max"] for _, bars in _GROUPS for _, name in bars)
    parts, top = [], 34
    for title, bars in _GROUPS:
        parts.append(_text(_LEFT, top - 8, title, weight="bold"))
        for label, name in bars:
            parts += _bar(label, figures[name], top, most)
            top += _BAR + 4
        top += _GAP
    width = _LEFT + _WIDE + _RIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" role="img"'
        f' font-family="sans-serif" font-size="13">\n<title>Orders a second</title>\n'
        f'<rect width="{width}" height="{top}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _bar(label: str, figure: Mapping[str, float], top: int, most: float) -> list[str]:
    def at(orders_per_s: float) -> float:
        return round(_LEFT + orders_per_s / most * _WIDE, 1)

    middle = top + _BAR / 2
    colour = _OURS if label == "order API" else _FLOOR
    end, least, greatest = at(figure["median"]), at(figure["min"]), at(figure["max"])
    wide = round(end - _LEFT, 1)
    return [
        f'<text x="{_LEFT - 8}" y="{middle + 4}" text-anchor="end" fill="{_INK}">{label}</text>',
        f'<rect x="{_LEFT}" y="{top}" width="{wide}" height="{_BAR}" fill="{colour}"/>',
        f'<path d="M{least} {middle}H{greatest}" stroke="{_INK}" stroke-width="1.5"/>',
        _text(greatest + 8, middle + 4, f"{figure['median']:,.0f} orders/s"),
    ]


def _text(x: float, y: float, text: str, *, weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" font-weight="{weight}" fill="{_INK}">{escape(text)}</text>'


def write(results: Mapping[str, Any]) -> None:
    """Write the chart into the documentation."""
    CHART.write_text(chart(results), encoding="utf-8")
