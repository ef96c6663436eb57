"""What this module announces to the partners who see the goods, and to who proposed them."""

from typing import Final

from weili.kit.context import EventType

SKUS_PER_EVENT_MAX: Final = 100

POOL_SKU_ADDED: Final = EventType(
    "pool.sku_added",
    "The SKUs can be seen in a pool that is granted to you.",
    {"pool_id": "the pool's id", "sku_ids": "up to 100 SKU ids"},
)
POOL_SKU_REMOVED: Final = EventType(
    "pool.sku_removed",
    "The SKUs have left a pool that is granted to you; another pool may still hold them.",
    {"pool_id": "the pool's id", "sku_ids": "up to 100 SKU ids"},
)
POOL_GRANTED: Final = EventType(
    "pool.granted",
    "A pool is granted to you, with all the SKUs that are in it.",
    {"pool_id": "the pool's id", "name": "the pool's name"},
)
POOL_REVOKED: Final = EventType(
    "pool.revoked",
    "A pool is no longer granted to you; its SKUs can't be ordered unless another holds them.",
    {"pool_id": "the pool's id", "name": "the pool's name"},
)
SKU_STATE_CHANGED: Final = EventType(
    "sku.state_changed",
    "The SKUs went on or off the shelf.",
    {"state": "on_shelf or off_shelf", "sku_ids": "up to 100 SKU ids"},
)
SKU_UPDATED: Final = EventType(
    "sku.updated",
    "What is said of the SKUs has changed; read them again.",
    {"sku_ids": "up to 100 SKU ids"},
)
GOODS_PUBLISHED: Final = EventType(
    "goods.published",
    "Goods that you proposed are published; those that are new are on the shelf.",
    {"revision_id": "the revision's id", "spu_code": "your code of the goods"},
)
GOODS_RETURNED: Final = EventType(
    "goods.returned",
    "Goods that you proposed were sent back; the revision says why, field by field.",
    {
        "revision_id": "the revision's id",
        "spu_code": "your code of the goods",
        "reason": "why, in the reviewer's words",
    },
)

SKU_CHANGED: Final = EventType(
    "sku.changed",
    "The SKUs were described anew, shelved, or put into a pool or taken out of one. Told to the "
    "platform itself, whoever may see them: what is derived from goods follows it.",
    {"sku_ids": "up to 100 SKU ids"},
)

EVENTS: Final[tuple[EventType, ...]] = (
    POOL_SKU_ADDED,
    POOL_SKU_REMOVED,
    POOL_GRANTED,
    POOL_REVOKED,
    SKU_STATE_CHANGED,
    SKU_CHANGED,
    SKU_UPDATED,
    GOODS_PUBLISHED,
    GOODS_RETURNED,
)
