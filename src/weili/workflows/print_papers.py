"""A supplier prints: the pick list of a wave, masked waybills, packing slips.

Who printed what is written down. No paper shows more of a recipient than the national standard on
express waybills lets it; the whole address is revealed by its own route, with a reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.secrets import mask_name, mask_phone, mask_room
from weili.modules import dropship, goods, inventory, parties, regions

Document = dict[str, Any]


def pick_list_print(
    ctx: Ctx, *, supplier_id: PartyId, warehouse_id: inventory.WarehouseId, limit: int
) -> Document:
    """Give what is to be fetched in a warehouse for its next wave, by SKU and then by order.

    A bundle is named by its parts, which are what lies on the shelves. Only what is left to ship
    counts.

    Raises: Forbidden.
    """
    wave = dropship.wave_next(ctx, supplier_id=supplier_id, warehouse_id=warehouse_id, limit=limit)
    left = [
        (child, line.sku_id, line.quantity - line.shipped)
        for _, child in wave
        for line in child.lines
        if line.quantity > line.shipped
    ]
    bundles = goods.bundle_parts(ctx, sku_ids=sorted({sku_id for _, sku_id, _ in left}))
    wanted: dict[goods.SkuId, dict[str, int]] = {}
    for child, sku_id, quantity in left:
        parts = bundles.get(sku_id) or (goods.BundlePart(sku_id, 1),)
        for part in parts:
            by_child = wanted.setdefault(part.sku_id, {})
            name = id_text(dropship.CHILD_PREFIX, child.id)
            by_child[name] = by_child.get(name, 0) + quantity * part.quantity
    skus = goods.skus_get(ctx, sku_ids=sorted(wanted))
    subject = id_text(inventory.WAREHOUSE_PREFIX, warehouse_id)
    parties.audit_write(ctx, action="paper.pick_list", subject=subject, reason="printed")
    rows = [
        {
            **_goods(skus[sku_id], sku_id),
            "quantity": sum(by_child.values()),
            "orders": [{"child_id": name, "quantity": n} for name, n in by_child.items()],
        }
        for sku_id, by_child in wanted.items()
    ]
    return {
        "warehouse_id": subject,
        "printed_at": dropship.moment(ctx.now),
        "child_ids": [id_text(dropship.CHILD_PREFIX, child.id) for _, child in wave],
        "skus": sorted(rows, key=lambda row: (row["supplier_code"], row["sku_id"])),
    }


def waybills_print(
    ctx: Ctx, *, supplier_id: PartyId, child_ids: Sequence[dropship.ChildId]
) -> Document:
    """Give masked waybills with their contents, one for each package, or for each child order.

    Raises: Forbidden; OrderUnknown.
    Source: the national standard on electronic express waybills: at least a letter of the name,
    six digits of the telephone number, and the room are hidden.
    """
    pairs = dropship.children_named(ctx, supplier_id=supplier_id, child_ids=child_ids)
    skus = goods.skus_get(ctx, sku_ids=_skus_of(child for _, child in pairs))
    areas = regions.full_names(ctx, codes={order.area_code for order, _ in pairs})
    items: list[Document] = []
    for order, child in pairs:
        name = id_text(dropship.CHILD_PREFIX, child.id)
        parties.audit_write(ctx, action="paper.waybill", subject=name, reason="printed")
        to = dropship.recipient_open(ctx, order=order)
        shown: Document = {
            "child_id": name,
            "recipient": {
                "name": mask_name(to.name),
                "phone": mask_phone(to.phone),
                "area": areas.get(order.area_code, order.area_code),
                "address": mask_room(to.address),
            },
        }
        lines = {line.line_no: line for line in child.lines}
        packages = [package for package in order.packages if package.child_id == child.id]
        for package in packages:
            counts = [(lines[one.line_no].sku_id, one.quantity) for one in package.lines]
            carrier = dropship.carrier_name(package.carrier_code, package.carrier_name)
            items.append(shown | _bill(skus, counts, carrier, package.waybill_number))
        counts = [(line.sku_id, line.quantity - line.shipped) for line in child.lines]
        if left := [(sku_id, count) for sku_id, count in counts if count > 0]:
            items.append(shown | _bill(skus, left, None, None))
    return {"printed_at": dropship.moment(ctx.now), "items": items}


def _skus_of(children: Iterable[dropship.Child]) -> list[goods.SkuId]:
    return sorted({line.sku_id for child in children for line in child.lines})


def _bill(
    skus: Mapping[goods.SkuId, goods.Sku],
    counts: Sequence[tuple[goods.SkuId, int]],
    carrier: str | None,
    waybill_number: str | None,
) -> Document:
    return {
        "carrier_name": carrier,
        "waybill_number": waybill_number,
        "goods": [{**_goods(skus[sku_id], sku_id), "quantity": count} for sku_id, count in counts],
    }


def _goods(sku: goods.Sku, sku_id: goods.SkuId) -> Document:
    return {
        "sku_id": id_text(goods.SKU_PREFIX, sku_id),
        "supplier_code": sku.supplier_code,
        "title": sku.title,
        "variant": sku.variant,
    }
