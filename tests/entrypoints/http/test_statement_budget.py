"""How many statements a hot request sends to the database, however much it asks for."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.entrypoints.http.conftest import Serving
from tests.market import XIHU
from weili.kit.ids import id_text

Body = dict[str, Any]
Ask = tuple[str, Callable[[Serving, int], Body], int, int]
"""A path, what makes its body for so many lines, how many are many, and the budget."""


def goods_of(serving: Serving) -> list[str]:
    market = serving.market
    return [id_text("sku", sku_id) for sku_id in (market.tea, market.rice, market.cup)]


def order(serving: Serving, lines: int) -> Body:
    skus = goods_of(serving)
    return serving.order() | {
        "lines": [{"sku_id": skus[i % len(skus)], "quantity": 1} for i in range(lines)]
    }


def asks(serving: Serving, count: int) -> Body:
    skus = goods_of(serving)
    return {"items": [{"sku_id": skus[i % len(skus)], "quantity": 1} for i in range(count)]}


def stock_asks(serving: Serving, count: int) -> Body:
    document = asks(serving, count)
    return {"items": [item | {"area_code": XIHU} for item in document["items"]]}


def orders(serving: Serving, count: int) -> Body:
    return {"orders": [order(serving, 1) for _ in range(count)]}


@pytest.mark.parametrize(
    "ask",
    [
        ("/v1/orders", order, 20, 20),
        ("/v1/orders:batch", orders, 10, 20),
        ("/v1/prices:batchGet", asks, 100, 4),
        ("/v1/stock:batchGet", stock_asks, 100, 4),
    ],
)
def test_a_request_of_many_lines_sends_as_few_statements_as_one_of_a_single_line(
    serving: Serving, sent: Callable[[], Any], ask: Ask
) -> None:
    path, body, size, budget = ask

    def count(lines: int) -> int:
        document = body(serving, lines)
        with sent() as statements:
            answer = serving.ask("street", "POST", path, document)
        assert answer.status_code in {200, 201}, answer.text
        return len(statements)

    # Given somebody who asked before: what is remembered of a key, or of goods, is remembered
    count(size)
    few, many = count(1), count(size)
    assert few == many
    assert many <= budget


@pytest.mark.parametrize(
    ("target", "budget"),
    [
        ("/v1/search/skus?q=%E8%8C%B6&limit={}", 3),
        ("/v1/orders?limit={}", 6),
        ("/v1/feed/skus?limit={}", 3),
    ],
)
def test_a_page_of_many_sends_as_few_statements_as_one_of_a_few(
    serving: Serving, sent: Callable[[], Any], target: str, budget: int
) -> None:
    serving.placed()
    serving.placed()
    serving.relayed()

    def count(limit: int) -> int:
        with sent() as statements:
            answer = serving.ask("street", "GET", target.format(limit))
        assert answer.status_code == 200, answer.text
        return len(statements)

    count(50)
    few, many = count(1), count(50)
    assert few == many
    assert many <= budget
