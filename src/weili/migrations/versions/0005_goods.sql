-- Attribute templates, media, review, bundles, channel profiles.

ALTER TABLE goods.sku
    ADD COLUMN kind TEXT NOT NULL DEFAULT 'single' CONSTRAINT ck_sku_kind CHECK (kind IN ('single', 'bundle')),
    ADD COLUMN quantity_min INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN quantity_max INTEGER,
    ADD COLUMN pack_size INTEGER NOT NULL DEFAULT 1 CONSTRAINT ck_sku_pack_size CHECK (pack_size >= 1),
    ADD COLUMN areas_allowed TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN areas_excluded TEXT[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT ck_sku_quantities CHECK (quantity_min >= 1 AND quantity_max >= quantity_min);

-- What stood here before is sold as it was; what comes says so itself.
ALTER TABLE goods.sku
    ALTER COLUMN kind DROP DEFAULT,
    ALTER COLUMN quantity_min DROP DEFAULT,
    ALTER COLUMN pack_size DROP DEFAULT,
    ALTER COLUMN areas_allowed DROP DEFAULT,
    ALTER COLUMN areas_excluded DROP DEFAULT;

CREATE TABLE goods.bundle_part (
    bundle_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    quantity INTEGER NOT NULL CONSTRAINT ck_bundle_part_quantity CHECK (quantity >= 1),
    CONSTRAINT pk_bundle_part PRIMARY KEY (bundle_id, sku_id),
    CONSTRAINT ck_bundle_part_itself CHECK (sku_id <> bundle_id),
    CONSTRAINT fk_bundle_part_bundle_id FOREIGN KEY(bundle_id) REFERENCES goods.sku (id),
    CONSTRAINT fk_bundle_part_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id)
);

CREATE INDEX ix_bundle_part_sku_id ON goods.bundle_part (sku_id);

GRANT SELECT, INSERT ON goods.bundle_part TO weili_app;
