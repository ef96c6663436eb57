-- The unified entry: what partners are offered, its feed, sales, synonyms, selections.

CREATE SCHEMA catalogue;

GRANT USAGE ON SCHEMA catalogue TO weili_app;

CREATE TABLE catalogue.follower (
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_follower PRIMARY KEY (name)
);

GRANT SELECT, INSERT, UPDATE ON catalogue.follower TO weili_app;

CREATE TABLE catalogue.offer (
    partner_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    position BIGINT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    unit_price_minor BIGINT,
    price_version BIGINT,
    stamp_us BIGINT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_offer PRIMARY KEY (partner_id, sku_id),
    CONSTRAINT ck_offer_version CHECK (version >= 1),
    CONSTRAINT ck_offer_state CHECK (state IN ('on_shelf', 'off_shelf', 'removed')),
    CONSTRAINT ck_offer_price CHECK ((unit_price_minor IS NULL) = (price_version IS NULL) AND (state = 'on_shelf' OR unit_price_minor IS NULL))
);

CREATE INDEX ix_offer_sku_id ON catalogue.offer (sku_id);

CREATE UNIQUE INDEX uq_offer_partner_id_position ON catalogue.offer (partner_id, position);

GRANT SELECT, INSERT, UPDATE ON catalogue.offer TO weili_app;

CREATE TABLE catalogue.scan (
    id UUID NOT NULL,
    partner_id UUID NOT NULL,
    pool_id UUID,
    after_sku_id UUID NOT NULL,
    CONSTRAINT pk_scan PRIMARY KEY (id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalogue.scan TO weili_app;

CREATE TABLE catalogue.selection (
    id UUID NOT NULL,
    partner_id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_selection PRIMARY KEY (id, partner_id),
    CONSTRAINT uq_selection_partner_id_name UNIQUE (partner_id, name)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalogue.selection TO weili_app;

CREATE TABLE catalogue.sku_change (
    sku_id UUID NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_sku_change PRIMARY KEY (sku_id)
);

CREATE UNIQUE INDEX uq_sku_change_position ON catalogue.sku_change (position);

GRANT SELECT, INSERT, UPDATE ON catalogue.sku_change TO weili_app;

CREATE TABLE catalogue.sold (
    sku_id UUID NOT NULL,
    sold_on DATE NOT NULL,
    quantity BIGINT NOT NULL,
    CONSTRAINT pk_sold PRIMARY KEY (sku_id, sold_on),
    CONSTRAINT ck_sold_quantity CHECK (quantity > 0)
);

CREATE INDEX ix_sold_sold_on ON catalogue.sold (sold_on);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalogue.sold TO weili_app;

CREATE TABLE catalogue.synonym (
    word TEXT NOT NULL,
    group_id UUID NOT NULL,
    CONSTRAINT pk_synonym PRIMARY KEY (word),
    CONSTRAINT ck_synonym_word CHECK (word <> '')
);

CREATE INDEX ix_synonym_group_id ON catalogue.synonym (group_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalogue.synonym TO weili_app;

CREATE TABLE catalogue.markup_rule (
    selection_id UUID NOT NULL,
    partner_id UUID NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    rounding TEXT NOT NULL,
    category_id UUID,
    sku_id UUID,
    below_cost_reason TEXT,
    CONSTRAINT pk_markup_rule PRIMARY KEY (selection_id, partner_id, number),
    CONSTRAINT fk_markup_rule_selection_id_partner_id FOREIGN KEY(selection_id, partner_id) REFERENCES catalogue.selection (id, partner_id) ON DELETE CASCADE,
    CONSTRAINT ck_markup_rule_kind CHECK (kind IN ('bps', 'fixed')),
    CONSTRAINT ck_markup_rule_rounding CHECK (rounding IN ('exact', 'up_to_jiao', 'up_to_yuan', 'ending_ninety', 'ending_ninety_nine')),
    CONSTRAINT ck_markup_rule_scope CHECK (category_id IS NULL OR sku_id IS NULL),
    CONSTRAINT ck_markup_rule_below_cost CHECK (amount >= 0 OR below_cost_reason IS NOT NULL),
    CONSTRAINT ck_markup_rule_amount CHECK (amount BETWEEN -1000000000000000 AND 1000000000000000)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalogue.markup_rule TO weili_app;

CREATE TABLE catalogue.selection_sku (
    selection_id UUID NOT NULL,
    partner_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_selection_sku PRIMARY KEY (selection_id, partner_id, sku_id),
    CONSTRAINT fk_selection_sku_selection_id_partner_id FOREIGN KEY(selection_id, partner_id) REFERENCES catalogue.selection (id, partner_id) ON DELETE CASCADE
);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalogue.selection_sku TO weili_app;
