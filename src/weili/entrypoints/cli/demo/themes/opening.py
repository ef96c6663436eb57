"""Opens, over HTTP, a supplier that works by hand and a partner that begins with nothing."""

from typing import Final

from weili.entrypoints.cli.demo.themes.desk import FAR, NEAR, Desk, key_made
from weili.modules.parties import KEY_SCOPES, PartyKind

SUPPLIER: Final = {
    "name": "青岚手作",
    "legal_name": "杭州青岚手作茶器有限公司",
    "uscc": "91330106MA2WETLT0C",
}
PARTNER: Final = {
    "name": "晚晴小铺",
    "legal_name": "南京晚晴小铺电子商务有限公司",
    "uscc": "91320106MA2WETLT1B",
}
HOUSES: Final = {NEAR: ("QL-HZ", "杭州仓", "330106", 10), FAR: ("QL-NJ", "南京仓", "320106", 20)}
SERVED: Final = ("330000", "320000")


async def open_parties(desk: Desk, *, operator_id: str) -> None:
    """Open who takes part, with keys: one more for a clerk of the operator's and a carrier."""
    ask = desk.operator
    pool = await desk.do(ask, "POST", "/v1/operator/pools", {"name": "themes"})
    desk.pool_id = pool["id"]
    supplier = await desk.do(ask, "POST", "/v1/operator/suppliers", SUPPLIER)
    said = {**PARTNER, "pools": ["default", "themes"]}
    partner = await desk.do(ask, "POST", "/v1/operator/partners", said)
    desk.supplier_id, desk.partner_id = supplier["id"], partner["id"]
    for name, (code, title, region, priority) in HOUSES.items():
        said = {
            "supplier_id": desk.supplier_id,
            "code": code,
            "name": title,
            "region_code": region,
        }
        house = await desk.do(ask, "POST", "/v1/operator/warehouses", said)
        desk.houses[name] = house["id"]
        rows = [{"region_code": c, "priority": priority, "lead_days": 2} for c in SERVED]
        path = f"/v1/operator/warehouses/{house['id']}/coverage"
        await desk.do(ask, "PUT", path, {"regions": rows})
    scopes = {kind: sorted(KEY_SCOPES[kind]) for kind in PartyKind}
    desk.supplier = await key_made(desk, desk.supplier_id, scopes[PartyKind.SUPPLIER], "desk")
    desk.partner = await key_made(desk, desk.partner_id, scopes[PartyKind.PARTNER], "shop")
    desk.clerk = await key_made(desk, operator_id, ["admin:money"], "clerk")
    desk.carrier = await key_made(desk, operator_id, ["tracks:write"], "carrier")
