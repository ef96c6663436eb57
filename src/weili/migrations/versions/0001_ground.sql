-- The ground: every schema, table, index and grant of the first layer.
-- Written once; a later change is a later step. Statements end with a semicolon and a blank line.

CREATE SCHEMA dropship;

GRANT USAGE ON SCHEMA dropship TO weili_app;

CREATE SCHEMA goods;

GRANT USAGE ON SCHEMA goods TO weili_app;

CREATE SCHEMA inventory;

GRANT USAGE ON SCHEMA inventory TO weili_app;

CREATE SCHEMA kit;

GRANT USAGE ON SCHEMA kit TO weili_app;

CREATE SCHEMA ledger;

GRANT USAGE ON SCHEMA ledger TO weili_app;

CREATE SCHEMA parties;

GRANT USAGE ON SCHEMA parties TO weili_app;

CREATE SCHEMA pricing;

GRANT USAGE ON SCHEMA pricing TO weili_app;

CREATE SCHEMA regions;

GRANT USAGE ON SCHEMA regions TO weili_app;

CREATE TABLE dropship.history (
    subject_id UUID NOT NULL,
    version INTEGER NOT NULL,
    partner_id UUID NOT NULL,
    order_id UUID NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT pk_history PRIMARY KEY (subject_id, version, partner_id)
);

CREATE INDEX ix_history_order_id ON dropship.history (order_id);

GRANT SELECT, INSERT ON dropship.history TO weili_app;

CREATE TABLE dropship."order" (
    id UUID NOT NULL,
    partner_id UUID NOT NULL,
    number TEXT NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_order_state CHECK (state IN ('held', 'confirmed', 'released', 'cancelling', 'part_shipped', 'shipped', 'delivered', 'completed', 'cancelled')),
    version INTEGER NOT NULL,
    area_code CHAR(6) NOT NULL,
    recipient_sealed BYTEA NOT NULL,
    phone_index BYTEA NOT NULL,
    goods_minor BIGINT NOT NULL,
    freight_minor BIGINT NOT NULL,
    currency CHAR(3) NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_order PRIMARY KEY (id, partner_id),
    CONSTRAINT ck_order_amounts CHECK (goods_minor >= 0 AND freight_minor >= 0)
);

CREATE INDEX ix_order_due_at ON dropship."order" (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX ix_order_partner_id_id ON dropship."order" (partner_id, id);

CREATE INDEX ix_order_phone_index ON dropship."order" (phone_index);

GRANT SELECT, INSERT, UPDATE ON dropship."order" TO weili_app;

CREATE TABLE dropship.order_number (
    partner_id UUID NOT NULL,
    number TEXT NOT NULL,
    order_id UUID NOT NULL,
    digest BYTEA NOT NULL,
    answer TEXT NOT NULL,
    CONSTRAINT pk_order_number PRIMARY KEY (partner_id, number)
);

GRANT SELECT, INSERT ON dropship.order_number TO weili_app;

CREATE TABLE dropship.supplier_connection (
    supplier_id UUID NOT NULL,
    base_url TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    CONSTRAINT pk_supplier_connection PRIMARY KEY (supplier_id)
);

GRANT SELECT, INSERT, UPDATE ON dropship.supplier_connection TO weili_app;

CREATE TABLE dropship.supplier_queue (
    supplier_id UUID NOT NULL,
    child_id UUID NOT NULL,
    partner_id UUID NOT NULL,
    order_id UUID NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_supplier_queue_state CHECK (state IN ('waiting', 'taken', 'cancelling', 'closed')),
    attempts INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    queued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_supplier_queue PRIMARY KEY (supplier_id, child_id)
);

CREATE INDEX ix_supplier_queue_due_at ON dropship.supplier_queue (due_at) WHERE due_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON dropship.supplier_queue TO weili_app;

CREATE TABLE goods.brand (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_brand PRIMARY KEY (id),
    CONSTRAINT uq_brand_name UNIQUE (name)
);

GRANT SELECT, INSERT, UPDATE ON goods.brand TO weili_app;

CREATE TABLE goods.category (
    id UUID NOT NULL,
    parent_id UUID,
    name TEXT NOT NULL,
    level SMALLINT NOT NULL,
    CONSTRAINT pk_category PRIMARY KEY (id),
    CONSTRAINT uq_category_parent_id_name UNIQUE NULLS NOT DISTINCT (parent_id, name),
    CONSTRAINT ck_category_level CHECK (level BETWEEN 1 AND 3),
    CONSTRAINT ck_category_root CHECK ((level = 1) = (parent_id IS NULL)),
    CONSTRAINT fk_category_parent_id FOREIGN KEY(parent_id) REFERENCES goods.category (id)
);

GRANT SELECT, INSERT, UPDATE ON goods.category TO weili_app;

CREATE TABLE goods.pool (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_pool PRIMARY KEY (id),
    CONSTRAINT uq_pool_name UNIQUE (name)
);

GRANT SELECT, INSERT, UPDATE ON goods.pool TO weili_app;

CREATE TABLE inventory.movement (
    id UUID NOT NULL,
    sku_id UUID NOT NULL,
    warehouse_id UUID NOT NULL,
    kind TEXT NOT NULL,
    on_hand_delta BIGINT NOT NULL,
    reserved_delta BIGINT NOT NULL,
    subject TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_movement PRIMARY KEY (id, sku_id),
    CONSTRAINT ck_movement_kind CHECK (CASE kind WHEN 'receipt' THEN on_hand_delta > 0 AND reserved_delta = 0 WHEN 'adjust' THEN on_hand_delta <> 0 AND reserved_delta = 0 WHEN 'reserve' THEN on_hand_delta = 0 AND reserved_delta > 0 WHEN 'release' THEN on_hand_delta = 0 AND reserved_delta < 0 WHEN 'issue' THEN on_hand_delta < 0 AND reserved_delta = on_hand_delta ELSE false END)
);

GRANT SELECT, INSERT ON inventory.movement TO weili_app;

CREATE TABLE kit.clock (
    one BOOLEAN NOT NULL CONSTRAINT ck_clock_one CHECK (one),
    offset_s BIGINT NOT NULL,
    CONSTRAINT pk_clock PRIMARY KEY (one)
);

GRANT SELECT, INSERT, UPDATE ON kit.clock TO weili_app;

CREATE TABLE kit.event (
    position BIGINT NOT NULL,
    id UUID NOT NULL,
    type TEXT NOT NULL,
    party_id UUID NOT NULL,
    subject TEXT NOT NULL,
    data JSONB NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (position),
    CONSTRAINT uq_event_id UNIQUE (id)
);

CREATE INDEX ix_event_party_id_position ON kit.event (party_id, position);

GRANT SELECT, INSERT ON kit.event TO weili_app;

CREATE TABLE kit.feed (
    party_id UUID NOT NULL,
    acked_to BIGINT NOT NULL,
    CONSTRAINT pk_feed PRIMARY KEY (party_id)
);

GRANT SELECT, INSERT, UPDATE ON kit.feed TO weili_app;

CREATE TABLE kit.feed_ack (
    party_id UUID NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_feed_ack PRIMARY KEY (party_id, position)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON kit.feed_ack TO weili_app;

CREATE TABLE kit.idempotency_key (
    party_id UUID NOT NULL,
    key TEXT NOT NULL,
    body_hash BYTEA NOT NULL,
    status SMALLINT,
    answer JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_idempotency_key PRIMARY KEY (party_id, key)
);

CREATE INDEX ix_idempotency_key_created_at ON kit.idempotency_key (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON kit.idempotency_key TO weili_app;

CREATE TABLE kit.outbox (
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    type TEXT NOT NULL,
    party_id UUID NOT NULL,
    subject TEXT NOT NULL,
    data JSONB NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_outbox PRIMARY KEY (seq)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON kit.outbox TO weili_app;

CREATE TABLE ledger.account (
    id UUID NOT NULL,
    party_id UUID NOT NULL,
    kind TEXT NOT NULL,
    normal_side TEXT NOT NULL,
    currency CHAR(3) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (id, party_id),
    CONSTRAINT uq_account_party_id_kind UNIQUE (party_id, kind),
    CONSTRAINT ck_account_kind CHECK (kind IN ('partner_prepaid', 'supplier_payable', 'platform_revenue', 'platform_freight', 'platform_cost', 'platform_bank')),
    CONSTRAINT ck_account_normal_side CHECK (normal_side IN ('debit', 'credit'))
);

GRANT SELECT, INSERT ON ledger.account TO weili_app;

CREATE TABLE ledger.transfer (
    id UUID NOT NULL,
    party_id UUID NOT NULL,
    kind TEXT NOT NULL,
    hold_id UUID,
    debit_account_id UUID NOT NULL,
    credit_account_id UUID NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency CHAR(3) NOT NULL,
    purpose TEXT NOT NULL,
    subject TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_transfer PRIMARY KEY (id, party_id),
    CONSTRAINT fk_transfer_hold_id_party_id FOREIGN KEY(hold_id, party_id) REFERENCES ledger.transfer (id, party_id),
    CONSTRAINT ck_transfer_kind CHECK (kind IN ('direct', 'hold', 'post', 'void')),
    CONSTRAINT ck_transfer_amount CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    CONSTRAINT ck_transfer_two_accounts CHECK (debit_account_id <> credit_account_id),
    CONSTRAINT ck_transfer_hold CHECK ((kind IN ('post', 'void')) = (hold_id IS NOT NULL)),
    CONSTRAINT ck_transfer_expiry CHECK (expires_at IS NULL OR kind = 'hold')
);

CREATE INDEX ix_transfer_hold_id ON ledger.transfer (hold_id, party_id) WHERE hold_id IS NOT NULL;

CREATE INDEX ix_transfer_party_id ON ledger.transfer (party_id, occurred_at);

CREATE INDEX ix_transfer_subject ON ledger.transfer (subject) WHERE kind = 'hold';

GRANT SELECT, INSERT ON ledger.transfer TO weili_app;

CREATE TABLE parties.audit (
    id UUID NOT NULL,
    actor_party_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id, actor_party_id)
);

CREATE INDEX ix_audit_subject ON parties.audit (subject);

GRANT SELECT, INSERT ON parties.audit TO weili_app;

CREATE TABLE parties.party (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    legal_name TEXT NOT NULL,
    uscc TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_party PRIMARY KEY (id),
    CONSTRAINT uq_party_kind_name UNIQUE (kind, name),
    CONSTRAINT uq_party_uscc_kind UNIQUE (uscc, kind),
    CONSTRAINT ck_party_kind CHECK (kind IN ('operator', 'supplier', 'partner', 'isv')),
    CONSTRAINT ck_party_state CHECK (state IN ('active', 'suspended'))
);

GRANT SELECT, INSERT, UPDATE ON parties.party TO weili_app;

CREATE UNLOGGED TABLE parties.request_nonce (
    key_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_request_nonce PRIMARY KEY (key_id, nonce)
);

CREATE INDEX ix_request_nonce_expires_at ON parties.request_nonce (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON parties.request_nonce TO weili_app;

CREATE TABLE pricing.cost_history (
    sku_id UUID NOT NULL,
    version BIGINT NOT NULL,
    unit_cost_minor BIGINT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by TEXT NOT NULL,
    CONSTRAINT pk_cost_history PRIMARY KEY (sku_id, version)
);

GRANT SELECT, INSERT ON pricing.cost_history TO weili_app;

CREATE TABLE pricing.price_history (
    list_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    quantity_min INTEGER NOT NULL,
    version BIGINT NOT NULL,
    unit_price_minor BIGINT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by TEXT NOT NULL,
    CONSTRAINT pk_price_history PRIMARY KEY (list_id, sku_id, quantity_min, version)
);

GRANT SELECT, INSERT ON pricing.price_history TO weili_app;

CREATE TABLE pricing.price_list (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_price_list PRIMARY KEY (id),
    CONSTRAINT uq_price_list_name UNIQUE (name)
);

CREATE UNIQUE INDEX uq_price_list_default ON pricing.price_list (is_default) WHERE is_default;

GRANT SELECT, INSERT, UPDATE ON pricing.price_list TO weili_app;

CREATE TABLE regions.region (
    code TEXT NOT NULL CONSTRAINT ck_region_code CHECK (code ~ '^[0-9]{6}$'),
    name TEXT NOT NULL,
    parent_code TEXT,
    level SMALLINT NOT NULL,
    vintage TEXT NOT NULL,
    CONSTRAINT pk_region PRIMARY KEY (code),
    CONSTRAINT ck_region_level CHECK (level BETWEEN 0 AND 3),
    CONSTRAINT ck_region_parent CHECK ((level = 0) = (parent_code IS NULL)),
    CONSTRAINT fk_region_parent_code FOREIGN KEY(parent_code) REFERENCES regions.region (code)
);

CREATE INDEX ix_region_parent_code ON regions.region (parent_code);

GRANT SELECT, INSERT, UPDATE ON regions.region TO weili_app;

CREATE TABLE dropship.child (
    id UUID NOT NULL,
    partner_id UUID NOT NULL,
    order_id UUID NOT NULL,
    supplier_id UUID NOT NULL,
    warehouse_id UUID NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_child_state CHECK (state IN ('held', 'confirmed', 'released', 'cancelling', 'part_shipped', 'shipped', 'delivered', 'completed', 'cancelled')),
    version INTEGER NOT NULL,
    lead_days SMALLINT NOT NULL,
    goods_minor BIGINT NOT NULL,
    freight_minor BIGINT NOT NULL,
    goods_hold_id UUID NOT NULL,
    freight_hold_id UUID,
    due_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_child PRIMARY KEY (id, partner_id),
    CONSTRAINT ck_child_amounts CHECK (goods_minor >= 0 AND freight_minor >= 0),
    CONSTRAINT fk_child_order_id_partner_id FOREIGN KEY(order_id, partner_id) REFERENCES dropship."order" (id, partner_id)
);

CREATE INDEX ix_child_due_at ON dropship.child (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX ix_child_order_id ON dropship.child (order_id);

GRANT SELECT, INSERT, UPDATE ON dropship.child TO weili_app;

CREATE TABLE goods.pool_grant (
    partner_id UUID NOT NULL,
    pool_id UUID NOT NULL,
    CONSTRAINT pk_pool_grant PRIMARY KEY (partner_id, pool_id),
    CONSTRAINT fk_pool_grant_partner_id FOREIGN KEY(partner_id) REFERENCES parties.party (id),
    CONSTRAINT fk_pool_grant_pool_id FOREIGN KEY(pool_id) REFERENCES goods.pool (id)
);

CREATE INDEX ix_pool_grant_pool_id ON goods.pool_grant (pool_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON goods.pool_grant TO weili_app;

CREATE TABLE goods.spu (
    id UUID NOT NULL,
    supplier_id UUID NOT NULL,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    category_id UUID NOT NULL,
    brand_id UUID,
    brand_kind TEXT,
    attributes JSONB NOT NULL,
    CONSTRAINT pk_spu PRIMARY KEY (id),
    CONSTRAINT uq_spu_supplier_id_code UNIQUE (supplier_id, code),
    CONSTRAINT ck_spu_brand_kind CHECK (brand_kind IN ('national', 'channel_exclusive', 'own_label', 'factory', 'custom_made')),
    CONSTRAINT ck_spu_brand CHECK ((brand_id IS NULL) = (brand_kind IS NULL)),
    CONSTRAINT fk_spu_supplier_id FOREIGN KEY(supplier_id) REFERENCES parties.party (id),
    CONSTRAINT fk_spu_category_id FOREIGN KEY(category_id) REFERENCES goods.category (id),
    CONSTRAINT fk_spu_brand_id FOREIGN KEY(brand_id) REFERENCES goods.brand (id)
);

CREATE INDEX ix_spu_category_id ON goods.spu (category_id);

GRANT SELECT, INSERT, UPDATE ON goods.spu TO weili_app;

CREATE TABLE inventory.warehouse (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    supplier_id UUID NOT NULL,
    name TEXT NOT NULL,
    region_code TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_warehouse PRIMARY KEY (id),
    CONSTRAINT uq_warehouse_supplier_id_code UNIQUE (supplier_id, code),
    CONSTRAINT fk_warehouse_supplier_id FOREIGN KEY(supplier_id) REFERENCES parties.party (id),
    CONSTRAINT fk_warehouse_region_code FOREIGN KEY(region_code) REFERENCES regions.region (code)
);

GRANT SELECT, INSERT, UPDATE ON inventory.warehouse TO weili_app;

CREATE TABLE ledger.balance (
    account_id UUID NOT NULL,
    party_id UUID NOT NULL,
    posted_minor BIGINT NOT NULL,
    held_minor BIGINT NOT NULL,
    floor_minor BIGINT NOT NULL,
    CONSTRAINT pk_balance PRIMARY KEY (account_id, party_id),
    CONSTRAINT fk_balance_account_id_party_id FOREIGN KEY(account_id, party_id) REFERENCES ledger.account (id, party_id),
    CONSTRAINT ck_balance_held CHECK (held_minor >= 0),
    CONSTRAINT ck_balance_floor CHECK (posted_minor - held_minor >= floor_minor)
)
 WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE ON ledger.balance TO weili_app;

CREATE TABLE ledger.top_up (
    party_id UUID NOT NULL,
    reference TEXT NOT NULL,
    transfer_id UUID NOT NULL,
    amount_minor BIGINT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_top_up PRIMARY KEY (party_id, reference),
    CONSTRAINT fk_top_up_transfer_id_party_id FOREIGN KEY(transfer_id, party_id) REFERENCES ledger.transfer (id, party_id),
    CONSTRAINT ck_top_up_amount CHECK (amount_minor BETWEEN 1 AND 10000000000),
    CONSTRAINT ck_top_up_reference CHECK (length(reference) BETWEEN 1 AND 100)
);

GRANT SELECT, INSERT ON ledger.top_up TO weili_app;

CREATE TABLE parties.api_key (
    id TEXT NOT NULL,
    party_id UUID NOT NULL,
    kind TEXT NOT NULL,
    secret_hash BYTEA,
    secret_sealed BYTEA,
    scopes TEXT[] NOT NULL,
    label TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_api_key PRIMARY KEY (id),
    CONSTRAINT ck_api_key_kind CHECK (kind IN ('bearer', 'hmac')),
    CONSTRAINT ck_api_key_secret CHECK ((kind = 'bearer') = (secret_hash IS NOT NULL) AND (kind = 'hmac') = (secret_sealed IS NOT NULL)),
    CONSTRAINT ck_api_key_scopes CHECK (cardinality(scopes) > 0),
    CONSTRAINT fk_api_key_party_id FOREIGN KEY(party_id) REFERENCES parties.party (id)
);

CREATE INDEX ix_api_key_party_id ON parties.api_key (party_id);

GRANT SELECT, INSERT, UPDATE ON parties.api_key TO weili_app;

CREATE TABLE parties.person (
    id UUID NOT NULL,
    party_id UUID NOT NULL,
    name TEXT NOT NULL,
    email_sealed BYTEA NOT NULL,
    email_index BYTEA NOT NULL,
    role TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_person PRIMARY KEY (id),
    CONSTRAINT uq_person_party_id_email_index UNIQUE (party_id, email_index),
    CONSTRAINT ck_person_role CHECK (role IN ('admin', 'merchandiser', 'warehouse', 'finance', 'support', 'owner', 'buyer', 'clerk')),
    CONSTRAINT fk_person_party_id FOREIGN KEY(party_id) REFERENCES parties.party (id)
);

GRANT SELECT, INSERT, UPDATE ON parties.person TO weili_app;

CREATE TABLE pricing.freight_rule (
    region_code TEXT NOT NULL,
    base_minor BIGINT NOT NULL,
    free_from_minor BIGINT,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_freight_rule PRIMARY KEY (region_code),
    CONSTRAINT ck_freight_rule_base_minor CHECK (base_minor BETWEEN 0 AND 1000000000000000),
    CONSTRAINT ck_freight_rule_free_from_minor CHECK (free_from_minor BETWEEN 0 AND 1000000000000000),
    CONSTRAINT fk_freight_rule_region_code FOREIGN KEY(region_code) REFERENCES regions.region (code)
);

GRANT SELECT, INSERT, UPDATE ON pricing.freight_rule TO weili_app;

CREATE TABLE pricing.price_list_partner (
    partner_id UUID NOT NULL,
    list_id UUID NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_price_list_partner PRIMARY KEY (partner_id),
    CONSTRAINT fk_price_list_partner_partner_id FOREIGN KEY(partner_id) REFERENCES parties.party (id),
    CONSTRAINT fk_price_list_partner_list_id FOREIGN KEY(list_id) REFERENCES pricing.price_list (id)
);

CREATE INDEX ix_price_list_partner_list_id ON pricing.price_list_partner (list_id);

GRANT SELECT, INSERT, UPDATE ON pricing.price_list_partner TO weili_app;

CREATE TABLE dropship.line (
    child_id UUID NOT NULL,
    line_no SMALLINT NOT NULL,
    partner_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price_minor BIGINT NOT NULL,
    price_version BIGINT NOT NULL,
    freight_minor BIGINT NOT NULL,
    unit_cost_minor BIGINT NOT NULL,
    tax_rate_bps INTEGER NOT NULL,
    return_policy TEXT NOT NULL,
    shipped INTEGER NOT NULL,
    CONSTRAINT pk_line PRIMARY KEY (child_id, line_no, partner_id),
    CONSTRAINT ck_line_quantity CHECK (quantity BETWEEN 1 AND 100000),
    CONSTRAINT ck_line_shipped CHECK (shipped BETWEEN 0 AND quantity),
    CONSTRAINT ck_line_amounts CHECK (unit_price_minor >= 0 AND freight_minor >= 0 AND unit_cost_minor >= 0),
    CONSTRAINT fk_line_child_id_partner_id FOREIGN KEY(child_id, partner_id) REFERENCES dropship.child (id, partner_id)
);

GRANT SELECT, INSERT, UPDATE ON dropship.line TO weili_app;

CREATE TABLE dropship.package (
    id UUID NOT NULL,
    partner_id UUID NOT NULL,
    child_id UUID NOT NULL,
    carrier_code TEXT NOT NULL,
    waybill_number TEXT NOT NULL,
    shipped_at TIMESTAMP WITH TIME ZONE NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_package PRIMARY KEY (id, partner_id),
    CONSTRAINT uq_package_child_id_carrier_code_waybill_number_partner_id UNIQUE (child_id, carrier_code, waybill_number, partner_id),
    CONSTRAINT fk_package_child_id_partner_id FOREIGN KEY(child_id, partner_id) REFERENCES dropship.child (id, partner_id)
);

GRANT SELECT, INSERT, UPDATE ON dropship.package TO weili_app;

CREATE TABLE goods.sku (
    id UUID NOT NULL,
    supplier_id UUID NOT NULL,
    supplier_code TEXT NOT NULL,
    spu_id UUID NOT NULL,
    title TEXT NOT NULL,
    variant TEXT NOT NULL,
    gtin TEXT,
    unit TEXT NOT NULL,
    weight_g INTEGER NOT NULL,
    tax_rate_bps INTEGER NOT NULL,
    return_policy TEXT NOT NULL,
    compare_at_minor BIGINT,
    state TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sku PRIMARY KEY (id),
    CONSTRAINT uq_sku_supplier_id_supplier_code UNIQUE (supplier_id, supplier_code),
    CONSTRAINT ck_sku_title CHECK (title <> ''),
    CONSTRAINT ck_sku_weight CHECK (weight_g >= 0),
    CONSTRAINT ck_sku_tax_rate CHECK (tax_rate_bps BETWEEN 0 AND 10000),
    CONSTRAINT ck_sku_compare_at CHECK (compare_at_minor >= 0),
    CONSTRAINT ck_sku_return_policy CHECK (return_policy IN ('seven_days_no_reason', 'no_return_made_to_order', 'no_return_perishable', 'no_return_opened_media', 'no_return_press', 'no_return_confirmed')),
    CONSTRAINT ck_sku_state CHECK (state IN ('draft', 'on_shelf', 'off_shelf')),
    CONSTRAINT fk_sku_supplier_id FOREIGN KEY(supplier_id) REFERENCES parties.party (id),
    CONSTRAINT fk_sku_spu_id FOREIGN KEY(spu_id) REFERENCES goods.spu (id)
);

CREATE INDEX ix_sku_spu_id ON goods.sku (spu_id);

GRANT SELECT, INSERT, UPDATE ON goods.sku TO weili_app;

CREATE TABLE inventory.coverage (
    warehouse_id UUID NOT NULL,
    region_code TEXT NOT NULL,
    priority INTEGER NOT NULL,
    lead_days INTEGER NOT NULL,
    CONSTRAINT pk_coverage PRIMARY KEY (warehouse_id, region_code),
    CONSTRAINT ck_coverage_priority CHECK (priority >= 0),
    CONSTRAINT ck_coverage_lead_days CHECK (lead_days >= 0),
    CONSTRAINT fk_coverage_warehouse_id FOREIGN KEY(warehouse_id) REFERENCES inventory.warehouse (id),
    CONSTRAINT fk_coverage_region_code FOREIGN KEY(region_code) REFERENCES regions.region (code)
);

CREATE INDEX ix_coverage_region_code ON inventory.coverage (region_code);

GRANT SELECT, INSERT, UPDATE, DELETE ON inventory.coverage TO weili_app;

CREATE TABLE dropship.package_line (
    package_id UUID NOT NULL,
    line_no SMALLINT NOT NULL,
    partner_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    CONSTRAINT pk_package_line PRIMARY KEY (package_id, line_no, partner_id),
    CONSTRAINT ck_package_line_quantity CHECK (quantity > 0),
    CONSTRAINT fk_package_line_package_id_partner_id FOREIGN KEY(package_id, partner_id) REFERENCES dropship.package (id, partner_id)
);

GRANT SELECT, INSERT ON dropship.package_line TO weili_app;

CREATE TABLE goods.pool_sku (
    pool_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    CONSTRAINT pk_pool_sku PRIMARY KEY (pool_id, sku_id),
    CONSTRAINT fk_pool_sku_pool_id FOREIGN KEY(pool_id) REFERENCES goods.pool (id),
    CONSTRAINT fk_pool_sku_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id)
);

CREATE INDEX ix_pool_sku_sku_id ON goods.pool_sku (sku_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON goods.pool_sku TO weili_app;

CREATE TABLE goods.sku_history (
    sku_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    changes JSONB NOT NULL,
    actor TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sku_history PRIMARY KEY (sku_id, id),
    CONSTRAINT ck_sku_history_kind CHECK (kind IN ('created', 'updated', 'shelved')),
    CONSTRAINT ck_sku_history_state CHECK (state IN ('draft', 'on_shelf', 'off_shelf')),
    CONSTRAINT fk_sku_history_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id)
);

GRANT SELECT, INSERT ON goods.sku_history TO weili_app;

CREATE TABLE inventory.stock (
    sku_id UUID NOT NULL,
    warehouse_id UUID NOT NULL,
    on_hand BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    safety BIGINT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stock PRIMARY KEY (sku_id, warehouse_id),
    CONSTRAINT ck_stock_on_hand CHECK (on_hand >= 0),
    CONSTRAINT ck_stock_reserved CHECK (reserved >= 0),
    CONSTRAINT ck_stock_reserved_on_hand CHECK (reserved <= on_hand),
    CONSTRAINT ck_stock_safety CHECK (safety >= 0),
    CONSTRAINT fk_stock_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id),
    CONSTRAINT fk_stock_warehouse_id FOREIGN KEY(warehouse_id) REFERENCES inventory.warehouse (id)
)
 WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE ON inventory.stock TO weili_app;

CREATE TABLE pricing.cost (
    sku_id UUID NOT NULL,
    unit_cost_minor BIGINT NOT NULL,
    version BIGINT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cost PRIMARY KEY (sku_id),
    CONSTRAINT ck_cost_unit_cost_minor CHECK (unit_cost_minor BETWEEN 0 AND 1000000000000000),
    CONSTRAINT ck_cost_version CHECK (version >= 1),
    CONSTRAINT fk_cost_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id)
);

GRANT SELECT, INSERT, UPDATE ON pricing.cost TO weili_app;

CREATE TABLE pricing.price (
    list_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    quantity_min INTEGER NOT NULL,
    unit_price_minor BIGINT NOT NULL,
    version BIGINT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_price PRIMARY KEY (list_id, sku_id, quantity_min),
    CONSTRAINT ck_price_quantity_min CHECK (quantity_min >= 1),
    CONSTRAINT ck_price_unit_price_minor CHECK (unit_price_minor BETWEEN 0 AND 1000000000000000),
    CONSTRAINT ck_price_version CHECK (version >= 1),
    CONSTRAINT fk_price_list_id FOREIGN KEY(list_id) REFERENCES pricing.price_list (id),
    CONSTRAINT fk_price_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id)
);

CREATE INDEX ix_price_sku_id ON pricing.price (sku_id);

GRANT SELECT, INSERT, UPDATE ON pricing.price TO weili_app;
