"""The policy table: which scope each route needs. The one place where that is said."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PUBLIC: Final = frozenset({"/", "/healthz", "/openapi.json"})
"""What is answered without credentials."""

ANY_KEY: Final = ""
"""A route that any working key may use."""

POLICY: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("GET", "/v1/areas"): ANY_KEY,
        ("GET", "/v1/areas/changes"): ANY_KEY,
        ("GET", "/v1/areas/{code}"): ANY_KEY,
        ("GET", "/v1/carriers"): ANY_KEY,
        ("GET", "/v1/categories"): "goods:read",
        ("GET", "/v1/pools"): "goods:read",
        ("GET", "/v1/skus"): "goods:read",
        ("GET", "/v1/skus/{sku_id}"): "goods:read",
        ("POST", "/v1/skus:batchGet"): "goods:read",
        ("POST", "/v1/prices:batchGet"): "prices:read",
        ("POST", "/v1/stock:batchGet"): "stock:read",
        ("POST", "/v1/orders:render"): "orders:read",
        ("POST", "/v1/orders"): "orders:write",
        ("POST", "/v1/orders:batch"): "orders:write",
        ("GET", "/v1/orders"): "orders:read",
        ("GET", "/v1/orders/{order_id}"): "orders:read",
        ("GET", "/v1/orders/{order_id}/tracks"): "orders:read",
        ("GET", "/v1/orders/by-number/{number}"): "orders:read",
        ("POST", "/v1/orders/{order_id}:confirm"): "orders:write",
        ("POST", "/v1/orders/{order_id}:cancel"): "orders:write",
        ("POST", "/v1/orders/{order_id}:confirmReceipt"): "orders:write",
        ("POST", "/v1/orders/{order_id}:revealRecipient"): "recipients:reveal",
        ("GET", "/v1/account"): "account:read",
        ("GET", "/v1/account/statement"): "account:read",
        ("GET", "/v1/messages"): "messages:read",
        ("POST", "/v1/messages:ack"): "messages:read",
        ("POST", "/v1/tracks:push"): "tracks:write",
        ("GET", "/v1/supply/orders"): "supply:read",
        ("GET", "/v1/supply/orders/{child_id}"): "supply:read",
        ("POST", "/v1/supply/orders/{child_id}:take"): "supply:write",
        ("POST", "/v1/supply/orders/{child_id}:refuse"): "supply:write",
        ("POST", "/v1/supply/orders/{child_id}:acceptCancel"): "supply:write",
        ("POST", "/v1/supply/orders/{child_id}:refuseCancel"): "supply:write",
        ("POST", "/v1/supply/orders/{child_id}:ship"): "supply:write",
        ("POST", "/v1/supply/orders/{child_id}:revealRecipient"): "recipients:reveal",
        ("POST", "/v1/supply/packages/{package_id}:deliver"): "supply:write",
        ("POST", "/v1/supply/papers:pickList"): "supply:read",
        ("POST", "/v1/supply/papers:waybills"): "supply:read",
        ("GET", "/v1/supply/queue"): "supply:read",
        ("GET", "/v1/supply/warehouses"): "supply:read",
        ("PUT", "/v1/supply/stock"): "supply:write",
        ("POST", "/v1/operator/suppliers"): "admin:parties",
        ("GET", "/v1/operator/suppliers"): "admin:parties",
        ("PUT", "/v1/operator/suppliers/{party_id}/connection"): "admin:parties",
        ("PUT", "/v1/operator/carriers/{carrier_code}/connection"): "admin:parties",
        ("POST", "/v1/operator/partners"): "admin:parties",
        ("GET", "/v1/operator/partners"): "admin:parties",
        ("POST", "/v1/operator/partners/{party_id}:topUp"): "admin:money",
        ("GET", "/v1/operator/parties/{party_id}/statement"): "admin:money",
        ("POST", "/v1/operator/parties/{party_id}:suspend"): "admin:parties",
        ("POST", "/v1/operator/parties/{party_id}:resume"): "admin:parties",
        ("POST", "/v1/operator/parties/{party_id}/people"): "admin:parties",
        ("GET", "/v1/operator/parties/{party_id}/people"): "admin:parties",
        (
            "POST",
            "/v1/operator/parties/{party_id}/people/{person_id}:revealEmail",
        ): "admin:parties",
        ("POST", "/v1/operator/keys"): "admin:parties",
        ("GET", "/v1/operator/keys"): "admin:parties",
        ("POST", "/v1/operator/keys/{key_id}:revoke"): "admin:parties",
        ("GET", "/v1/operator/categories"): "admin:goods",
        ("GET", "/v1/operator/skus"): "admin:goods",
        ("POST", "/v1/operator/skus:shelve"): "admin:goods",
        ("POST", "/v1/operator/pools"): "admin:goods",
        ("GET", "/v1/operator/pools"): "admin:goods",
        ("PUT", "/v1/operator/pools/{pool_id}/skus"): "admin:goods",
        ("PUT", "/v1/operator/pools/{pool_id}/grants/{party_id}"): "admin:goods",
        ("DELETE", "/v1/operator/pools/{pool_id}/grants/{party_id}"): "admin:goods",
        ("POST", "/v1/operator/price-lists"): "admin:prices",
        ("GET", "/v1/operator/price-lists"): "admin:prices",
        ("PUT", "/v1/operator/price-lists/{list_id}/prices"): "admin:prices",
        ("PUT", "/v1/operator/partners/{party_id}/price-list"): "admin:prices",
        ("PUT", "/v1/operator/costs"): "admin:prices",
        ("PUT", "/v1/operator/freight"): "admin:prices",
        ("POST", "/v1/operator/freight-templates"): "admin:prices",
        ("GET", "/v1/operator/freight-templates"): "admin:prices",
        ("GET", "/v1/operator/freight-templates/{template_id}/rules"): "admin:prices",
        ("PUT", "/v1/operator/freight-templates/{template_id}/rules"): "admin:prices",
        ("PUT", "/v1/operator/freight-templates/{template_id}/skus"): "admin:prices",
        ("PUT", "/v1/operator/suppliers/{party_id}/freight-template"): "admin:prices",
        ("POST", "/v1/operator/warehouses"): "admin:stock",
        ("GET", "/v1/operator/warehouses"): "admin:stock",
        ("PUT", "/v1/operator/warehouses/{warehouse_id}/coverage"): "admin:stock",
        ("DELETE", "/v1/operator/warehouses/{warehouse_id}/coverage/{code}"): "admin:stock",
        ("PUT", "/v1/operator/stock"): "admin:stock",
        ("POST", "/v1/supply/stock:update"): "supply:write",
        ("POST", "/v1/supply/stock:writeOff"): "supply:write",
        ("PUT", "/v1/supply/warehouses/{warehouse_id}/calendar"): "supply:write",
        ("POST", "/v1/supply/arrivals"): "supply:write",
        ("GET", "/v1/supply/arrivals"): "supply:read",
        ("POST", "/v1/supply/arrivals/{arrival_id}:receive"): "supply:write",
        ("POST", "/v1/supply/arrivals/{arrival_id}:cancel"): "supply:write",
        ("POST", "/v1/supply/transfers"): "supply:write",
        ("GET", "/v1/supply/transfers"): "supply:read",
        ("POST", "/v1/supply/transfers/{transfer_id}:receive"): "supply:write",
        ("POST", "/v1/supply/counts"): "supply:write",
        ("GET", "/v1/supply/counts"): "supply:read",
        ("POST", "/v1/supply/counts/{count_id}:book"): "supply:write",
        ("POST", "/v1/supply/counts/{count_id}:cancel"): "supply:write",
        ("POST", "/v1/operator/stock:update"): "admin:stock",
        ("POST", "/v1/operator/stock:writeOff"): "admin:stock",
        ("PUT", "/v1/operator/warehouses/{warehouse_id}/calendar"): "admin:stock",
        ("POST", "/v1/operator/arrivals"): "admin:stock",
        ("GET", "/v1/operator/arrivals"): "admin:stock",
        ("POST", "/v1/operator/arrivals/{arrival_id}:receive"): "admin:stock",
        ("POST", "/v1/operator/arrivals/{arrival_id}:cancel"): "admin:stock",
        ("POST", "/v1/operator/transfers"): "admin:stock",
        ("GET", "/v1/operator/transfers"): "admin:stock",
        ("POST", "/v1/operator/transfers/{transfer_id}:receive"): "admin:stock",
        ("POST", "/v1/operator/counts"): "admin:stock",
        ("GET", "/v1/operator/counts"): "admin:stock",
        ("POST", "/v1/operator/counts/{count_id}:book"): "admin:stock",
        ("POST", "/v1/operator/counts/{count_id}:cancel"): "admin:stock",
        ("GET", "/v1/shares"): "stock:read",
        ("POST", "/v1/operator/shares"): "admin:stock",
        ("GET", "/v1/operator/shares"): "admin:stock",
        ("POST", "/v1/operator/shares/{share_id}:end"): "admin:stock",
        ("GET", "/v1/operator/orders"): "admin:orders",
        ("POST", "/v1/operator/verify"): "admin:verify",
        ("POST", "/v1/operator/clock:turn"): "admin:world",
    }
)

_PATHS: Final = re.compile(
    "|".join(
        "[^/]+".join(map(re.escape, re.split(r"\{[a-z_]+\}", path)))
        for path in dict.fromkeys(path for _, path in POLICY)
    )
)


def is_path(path: str) -> bool:
    """Say whether any route of the table has this path."""
    return _PATHS.fullmatch(path) is not None
