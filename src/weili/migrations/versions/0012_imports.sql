-- Remembered columns of import files, and what daily files told.

CREATE SCHEMA imports;

GRANT USAGE ON SCHEMA imports TO weili_app;

CREATE TABLE imports.mapping (
    party_id UUID NOT NULL,
    name TEXT NOT NULL,
    columns JSONB NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by TEXT NOT NULL,
    CONSTRAINT pk_mapping PRIMARY KEY (party_id, name),
    CONSTRAINT ck_mapping_name CHECK (name <> '')
);

GRANT SELECT, INSERT, UPDATE, DELETE ON imports.mapping TO weili_app;

CREATE TABLE imports.sighting (
    sku_id UUID NOT NULL,
    seen_on DATE NOT NULL,
    price_minor BIGINT NOT NULL,
    sale_count BIGINT,
    comment_count BIGINT,
    CONSTRAINT pk_sighting PRIMARY KEY (sku_id, seen_on),
    CONSTRAINT ck_sighting_price CHECK (price_minor >= 0),
    CONSTRAINT ck_sighting_counts CHECK (sale_count >= 0 AND comment_count >= 0)
);

GRANT SELECT, INSERT, UPDATE ON imports.sighting TO weili_app;
