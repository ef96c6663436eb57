-- Validity, schedules and freight templates.

-- Prices: by channel as well, and from one moment to another.

CREATE TABLE pricing.partner_channel (
    partner_id UUID NOT NULL,
    channel TEXT NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_partner_channel PRIMARY KEY (partner_id),
    CONSTRAINT ck_partner_channel_channel
        CHECK (channel IN ('community', 'creator', 'shop_chain', 'enterprise')),
    CONSTRAINT fk_partner_channel_partner_id FOREIGN KEY (partner_id) REFERENCES parties.party (id)
);

CREATE INDEX ix_partner_channel_channel ON pricing.partner_channel (channel);

GRANT SELECT, INSERT, UPDATE ON pricing.partner_channel TO weili_app;

CREATE TABLE pricing.price_list_channel (
    channel TEXT NOT NULL,
    list_id UUID NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_price_list_channel PRIMARY KEY (channel),
    CONSTRAINT ck_price_list_channel_channel
        CHECK (channel IN ('community', 'creator', 'shop_chain', 'enterprise')),
    CONSTRAINT fk_price_list_channel_list_id
        FOREIGN KEY (list_id) REFERENCES pricing.price_list (id)
);

CREATE INDEX ix_price_list_channel_list_id ON pricing.price_list_channel (list_id);

GRANT SELECT, INSERT, UPDATE ON pricing.price_list_channel TO weili_app;

ALTER TABLE pricing.price_history
    ADD COLUMN valid_from TIMESTAMP WITH TIME ZONE,
    ADD COLUMN valid_to TIMESTAMP WITH TIME ZONE,
    ADD COLUMN change_id UUID;

UPDATE pricing.price_history SET valid_from = changed_at;

ALTER TABLE pricing.price_history ALTER COLUMN valid_from SET NOT NULL;

CREATE INDEX ix_price_history_change_id ON pricing.price_history (change_id);

CREATE TABLE pricing.price_change (
    id UUID NOT NULL,
    list_id UUID NOT NULL,
    note TEXT NOT NULL,
    below_cost_reason TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    state TEXT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    CONSTRAINT pk_price_change PRIMARY KEY (id),
    CONSTRAINT ck_price_change_valid CHECK (valid_from < valid_to),
    CONSTRAINT ck_price_change_state
        CHECK (state IN ('scheduled', 'in_force', 'done', 'cancelled')),
    CONSTRAINT ck_price_change_due_at
        CHECK ((due_at IS NULL) = (state IN ('done', 'cancelled'))),
    CONSTRAINT fk_price_change_list_id FOREIGN KEY (list_id) REFERENCES pricing.price_list (id)
);

CREATE INDEX ix_price_change_list_id_id ON pricing.price_change (list_id, id);

CREATE INDEX ix_price_change_due_at ON pricing.price_change (due_at) WHERE due_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON pricing.price_change TO weili_app;

CREATE TABLE pricing.price_window (
    list_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    quantity_min INTEGER NOT NULL,
    version BIGINT NOT NULL,
    unit_price_minor BIGINT NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    change_id UUID NOT NULL,
    CONSTRAINT pk_price_window PRIMARY KEY (list_id, sku_id, quantity_min, version),
    CONSTRAINT ck_price_window_quantity_min CHECK (quantity_min >= 1),
    CONSTRAINT ck_price_window_unit_price_minor
        CHECK (unit_price_minor BETWEEN 0 AND 1000000000000000),
    CONSTRAINT ck_price_window_valid CHECK (valid_from < valid_to),
    CONSTRAINT fk_price_window_list_id FOREIGN KEY (list_id) REFERENCES pricing.price_list (id),
    CONSTRAINT fk_price_window_sku_id FOREIGN KEY (sku_id) REFERENCES goods.sku (id),
    CONSTRAINT fk_price_window_change_id
        FOREIGN KEY (change_id) REFERENCES pricing.price_change (id)
);

CREATE INDEX ix_price_window_change_id ON pricing.price_window (change_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON pricing.price_window TO weili_app;

-- Costs: whose they are, and what suppliers ask for.

ALTER TABLE pricing.cost ADD COLUMN supplier_id UUID;

UPDATE pricing.cost c SET supplier_id = s.supplier_id FROM goods.sku s WHERE s.id = c.sku_id;

ALTER TABLE pricing.cost ALTER COLUMN supplier_id SET NOT NULL;

ALTER TABLE pricing.cost_history ADD COLUMN valid_from TIMESTAMP WITH TIME ZONE;

UPDATE pricing.cost_history SET valid_from = changed_at;

ALTER TABLE pricing.cost_history ALTER COLUMN valid_from SET NOT NULL;

CREATE TABLE pricing.cost_proposal (
    id UUID NOT NULL,
    sku_id UUID NOT NULL,
    supplier_id UUID NOT NULL,
    unit_cost_minor BIGINT NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    submitted_by TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by TEXT,
    due_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_cost_proposal PRIMARY KEY (id),
    CONSTRAINT ck_cost_proposal_unit_cost_minor
        CHECK (unit_cost_minor BETWEEN 0 AND 1000000000000000),
    CONSTRAINT ck_cost_proposal_state
        CHECK (state IN ('submitted', 'approved', 'rejected', 'withdrawn', 'in_force')),
    CONSTRAINT ck_cost_proposal_due_at CHECK ((due_at IS NOT NULL) = (state = 'approved')),
    CONSTRAINT fk_cost_proposal_sku_id FOREIGN KEY (sku_id) REFERENCES goods.sku (id),
    CONSTRAINT fk_cost_proposal_supplier_id FOREIGN KEY (supplier_id) REFERENCES parties.party (id)
);

CREATE INDEX ix_cost_proposal_supplier_id_id ON pricing.cost_proposal (supplier_id, id);

CREATE INDEX ix_cost_proposal_due_at ON pricing.cost_proposal (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX ix_cost_proposal_approved ON pricing.cost_proposal (sku_id, valid_from)
    WHERE state = 'approved';

CREATE UNIQUE INDEX uq_cost_proposal_open ON pricing.cost_proposal (sku_id, valid_from)
    WHERE state IN ('submitted', 'approved');

GRANT SELECT, INSERT, UPDATE ON pricing.cost_proposal TO weili_app;

-- What goods were sold for day by day, and the prices that may be shown struck out beside it.

CREATE TABLE pricing.transaction_day (
    sku_id UUID NOT NULL,
    traded_on DATE NOT NULL,
    lowest_minor BIGINT NOT NULL,
    highest_minor BIGINT NOT NULL,
    CONSTRAINT pk_transaction_day PRIMARY KEY (sku_id, traded_on),
    CONSTRAINT ck_transaction_day_amounts
        CHECK (0 <= lowest_minor AND lowest_minor <= highest_minor)
);

GRANT SELECT, INSERT, UPDATE ON pricing.transaction_day TO weili_app;

INSERT INTO pricing.transaction_day (sku_id, traded_on, lowest_minor, highest_minor)
SELECT l.sku_id, (o.placed_at AT TIME ZONE '+08:00'::interval)::date,
    min(l.unit_price_minor), max(l.unit_price_minor)
FROM dropship.line l
JOIN dropship.child c ON (c.id, c.partner_id) = (l.child_id, l.partner_id)
JOIN dropship."order" o ON (o.id, o.partner_id) = (c.order_id, c.partner_id)
WHERE c.state NOT IN ('held', 'cancelled')
GROUP BY 1, 2;

CREATE TABLE pricing.compare_at (
    sku_id UUID NOT NULL,
    compare_at_minor BIGINT NOT NULL,
    explanation TEXT,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_compare_at PRIMARY KEY (sku_id),
    CONSTRAINT ck_compare_at_compare_at_minor
        CHECK (compare_at_minor BETWEEN 0 AND 1000000000000000),
    CONSTRAINT ck_compare_at_state CHECK (state IN ('standing', 'lapsed')),
    CONSTRAINT ck_compare_at_due_at
        CHECK ((due_at IS NOT NULL) = (state = 'standing' AND explanation IS NULL)),
    CONSTRAINT fk_compare_at_sku_id FOREIGN KEY (sku_id) REFERENCES goods.sku (id)
);

CREATE INDEX ix_compare_at_due_at ON pricing.compare_at (due_at) WHERE due_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON pricing.compare_at TO weili_app;

CREATE TABLE pricing.compare_at_history (
    sku_id UUID NOT NULL,
    version BIGINT NOT NULL,
    compare_at_minor BIGINT NOT NULL,
    explanation TEXT,
    state TEXT NOT NULL,
    lowest_minor BIGINT,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by TEXT NOT NULL,
    CONSTRAINT pk_compare_at_history PRIMARY KEY (sku_id, version)
);

GRANT SELECT, INSERT ON pricing.compare_at_history TO weili_app;

-- Freight: the rules that there are become the default template's.

CREATE TABLE pricing.freight_template (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    basis TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_freight_template PRIMARY KEY (id),
    CONSTRAINT uq_freight_template_name UNIQUE (name),
    CONSTRAINT ck_freight_template_basis CHECK (basis IN ('order', 'weight', 'piece'))
);

GRANT SELECT, INSERT, UPDATE ON pricing.freight_template TO weili_app;

INSERT INTO pricing.freight_template (id, name, basis, created_at)
VALUES ('00000000-0000-0000-0000-000000000000', 'default', 'order', now());

ALTER TABLE pricing.freight_rule
    ADD COLUMN template_id UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN first_units INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN next_units INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN next_minor BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN free_from_pieces INTEGER,
    ADD COLUMN is_excluded BOOLEAN NOT NULL DEFAULT false,
    DROP CONSTRAINT pk_freight_rule,
    ADD CONSTRAINT pk_freight_rule PRIMARY KEY (template_id, region_code),
    ADD CONSTRAINT fk_freight_rule_template_id
        FOREIGN KEY (template_id) REFERENCES pricing.freight_template (id),
    ADD CONSTRAINT ck_freight_rule_next_minor
        CHECK (next_minor BETWEEN 0 AND 1000000000000000),
    ADD CONSTRAINT ck_freight_rule_units CHECK (first_units >= 0 AND next_units >= 0),
    ADD CONSTRAINT ck_freight_rule_free_from_pieces CHECK (free_from_pieces >= 1);

ALTER TABLE pricing.freight_rule
    ALTER COLUMN template_id DROP DEFAULT,
    ALTER COLUMN first_units DROP DEFAULT,
    ALTER COLUMN next_units DROP DEFAULT,
    ALTER COLUMN next_minor DROP DEFAULT,
    ALTER COLUMN is_excluded DROP DEFAULT;

CREATE TABLE pricing.freight_supplier (
    supplier_id UUID NOT NULL,
    template_id UUID NOT NULL,
    CONSTRAINT pk_freight_supplier PRIMARY KEY (supplier_id),
    CONSTRAINT fk_freight_supplier_supplier_id
        FOREIGN KEY (supplier_id) REFERENCES parties.party (id),
    CONSTRAINT fk_freight_supplier_template_id
        FOREIGN KEY (template_id) REFERENCES pricing.freight_template (id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON pricing.freight_supplier TO weili_app;

CREATE TABLE pricing.freight_sku (
    sku_id UUID NOT NULL,
    template_id UUID NOT NULL,
    CONSTRAINT pk_freight_sku PRIMARY KEY (sku_id),
    CONSTRAINT fk_freight_sku_sku_id FOREIGN KEY (sku_id) REFERENCES goods.sku (id),
    CONSTRAINT fk_freight_sku_template_id
        FOREIGN KEY (template_id) REFERENCES pricing.freight_template (id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON pricing.freight_sku TO weili_app;
