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

ALTER TABLE goods.sku
    ADD COLUMN variant_values JSONB,
    ADD CONSTRAINT uq_sku_spu_id_variant_values UNIQUE (spu_id, variant_values) DEFERRABLE,
    DROP CONSTRAINT ck_sku_state,
    ADD CONSTRAINT ck_sku_state CHECK (state IN ('draft', 'in_review', 'on_shelf', 'off_shelf'));

ALTER TABLE goods.sku_history
    DROP CONSTRAINT ck_sku_history_kind,
    ADD CONSTRAINT ck_sku_history_kind CHECK (kind IN ('created', 'updated', 'reviewed', 'shelved')),
    DROP CONSTRAINT ck_sku_history_state,
    ADD CONSTRAINT ck_sku_history_state CHECK (state IN ('draft', 'in_review', 'on_shelf', 'off_shelf'));

ALTER TABLE goods.spu ADD COLUMN description TEXT NOT NULL DEFAULT '';

ALTER TABLE goods.spu ALTER COLUMN description DROP DEFAULT;

ALTER TABLE goods.pool
    ADD COLUMN audience TEXT NOT NULL DEFAULT '',
    ADD COLUMN price_min_minor BIGINT,
    ADD COLUMN price_max_minor BIGINT,
    ADD COLUMN category_ids UUID[] NOT NULL DEFAULT '{}',
    ADD COLUMN brand_kinds TEXT[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT ck_pool_band CHECK (price_min_minor >= 0 AND price_max_minor >= price_min_minor);

ALTER TABLE goods.pool
    ALTER COLUMN audience DROP DEFAULT,
    ALTER COLUMN category_ids DROP DEFAULT,
    ALTER COLUMN brand_kinds DROP DEFAULT;

CREATE TABLE goods.attribute (
    category_id UUID NOT NULL,
    name TEXT NOT NULL,
    position SMALLINT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT ck_attribute_kind CHECK (kind IN ('text', 'number', 'enum', 'bool')),
    use TEXT NOT NULL CONSTRAINT ck_attribute_use CHECK (use IN ('variant', 'filter', 'plain')),
    is_required BOOLEAN NOT NULL,
    unit TEXT NOT NULL,
    choices TEXT[] NOT NULL,
    CONSTRAINT pk_attribute PRIMARY KEY (category_id, name),
    CONSTRAINT ck_attribute_choices CHECK ((kind = 'enum') = (choices <> '{}')),
    CONSTRAINT fk_attribute_category_id FOREIGN KEY(category_id) REFERENCES goods.category (id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON goods.attribute TO weili_app;

CREATE TABLE goods.media (
    id UUID NOT NULL,
    supplier_id UUID NOT NULL,
    address TEXT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT ck_media_kind CHECK (kind IN ('image', 'video', 'document')),
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL CONSTRAINT ck_media_size CHECK (size_bytes > 0),
    width INTEGER,
    height INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_media PRIMARY KEY (id),
    CONSTRAINT uq_media_supplier_id_address UNIQUE (supplier_id, address),
    CONSTRAINT fk_media_supplier_id FOREIGN KEY(supplier_id) REFERENCES parties.party (id)
);

GRANT SELECT, INSERT ON goods.media TO weili_app;

CREATE TABLE goods.spu_media (
    spu_id UUID NOT NULL,
    position SMALLINT NOT NULL,
    media_id UUID NOT NULL,
    sku_id UUID,
    alt TEXT NOT NULL,
    CONSTRAINT pk_spu_media PRIMARY KEY (spu_id, position),
    CONSTRAINT fk_spu_media_spu_id FOREIGN KEY(spu_id) REFERENCES goods.spu (id),
    CONSTRAINT fk_spu_media_media_id FOREIGN KEY(media_id) REFERENCES goods.media (id),
    CONSTRAINT fk_spu_media_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON goods.spu_media TO weili_app;

CREATE TABLE goods.revision (
    id UUID NOT NULL,
    supplier_id UUID NOT NULL,
    spu_id UUID NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_revision_state CHECK (state IN ('draft', 'in_review', 'published', 'withdrawn')),
    version INTEGER NOT NULL,
    proposal JSONB NOT NULL,
    reason TEXT NOT NULL,
    notes JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_revision PRIMARY KEY (id),
    CONSTRAINT fk_revision_supplier_id FOREIGN KEY(supplier_id) REFERENCES parties.party (id),
    CONSTRAINT fk_revision_spu_id FOREIGN KEY(spu_id) REFERENCES goods.spu (id)
);

CREATE UNIQUE INDEX uq_revision_spu_id_open ON goods.revision (spu_id) WHERE state IN ('draft', 'in_review');

CREATE INDEX ix_revision_state ON goods.revision (state, id);

CREATE INDEX ix_revision_supplier_id ON goods.revision (supplier_id, id);

GRANT SELECT, INSERT, UPDATE ON goods.revision TO weili_app;

CREATE TABLE goods.revision_history (
    revision_id UUID NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_revision_history_state CHECK (state IN ('draft', 'in_review', 'published', 'withdrawn')),
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    notes JSONB NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_revision_history PRIMARY KEY (revision_id, version),
    CONSTRAINT fk_revision_history_revision_id FOREIGN KEY(revision_id) REFERENCES goods.revision (id)
);

GRANT SELECT, INSERT ON goods.revision_history TO weili_app;
