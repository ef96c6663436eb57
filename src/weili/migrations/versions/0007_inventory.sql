-- Shares, arrivals, transfers, counts and promises.

-- Constant defaults take no rewrite of the table; they are dropped since the code always says.
ALTER TABLE inventory.warehouse
    ADD COLUMN cutoff_minute INTEGER NOT NULL DEFAULT 960,
    ADD COLUMN work_days INTEGER NOT NULL DEFAULT 127,
    ADD COLUMN closed_on DATE[] NOT NULL DEFAULT '{}',
    ADD COLUMN open_on DATE[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT ck_warehouse_cutoff_minute CHECK (cutoff_minute BETWEEN 0 AND 1440),
    ADD CONSTRAINT ck_warehouse_work_days CHECK (work_days BETWEEN 0 AND 127);

ALTER TABLE inventory.warehouse
    ALTER COLUMN cutoff_minute DROP DEFAULT,
    ALTER COLUMN work_days DROP DEFAULT,
    ALTER COLUMN closed_on DROP DEFAULT,
    ALTER COLUMN open_on DROP DEFAULT;

ALTER TABLE inventory.stock
    ADD COLUMN shared BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN low_below BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN version BIGINT NOT NULL DEFAULT 1,
    DROP CONSTRAINT ck_stock_reserved_on_hand,
    ADD CONSTRAINT ck_stock_shared CHECK (shared >= 0) NOT VALID,
    ADD CONSTRAINT ck_stock_reserved_on_hand CHECK (reserved + shared <= on_hand) NOT VALID,
    ADD CONSTRAINT ck_stock_low_below CHECK (low_below >= 0) NOT VALID;

ALTER TABLE inventory.stock
    VALIDATE CONSTRAINT ck_stock_shared,
    VALIDATE CONSTRAINT ck_stock_reserved_on_hand,
    VALIDATE CONSTRAINT ck_stock_low_below,
    ALTER COLUMN shared DROP DEFAULT,
    ALTER COLUMN low_below DROP DEFAULT,
    ALTER COLUMN version DROP DEFAULT;

ALTER TABLE inventory.movement
    DROP CONSTRAINT ck_movement_kind,
    ADD CONSTRAINT ck_movement_kind CHECK (CASE kind WHEN 'receipt' THEN on_hand_delta > 0 AND reserved_delta = 0 WHEN 'adjust' THEN on_hand_delta <> 0 AND reserved_delta = 0 WHEN 'reserve' THEN on_hand_delta = 0 AND reserved_delta > 0 WHEN 'release' THEN on_hand_delta = 0 AND reserved_delta < 0 WHEN 'issue' THEN on_hand_delta < 0 AND reserved_delta = on_hand_delta WHEN 'transfer_out' THEN on_hand_delta < 0 AND reserved_delta = 0 WHEN 'transfer_in' THEN on_hand_delta > 0 AND reserved_delta = 0 WHEN 'count_gain' THEN on_hand_delta > 0 AND reserved_delta = 0 WHEN 'count_loss' THEN on_hand_delta < 0 AND reserved_delta = 0 WHEN 'damage' THEN on_hand_delta < 0 AND reserved_delta = 0 WHEN 'return' THEN on_hand_delta > 0 AND reserved_delta = 0 ELSE false END) NOT VALID;

ALTER TABLE inventory.movement VALIDATE CONSTRAINT ck_movement_kind;

CREATE TABLE inventory.transfer (
    id UUID NOT NULL,
    from_warehouse_id UUID NOT NULL,
    to_warehouse_id UUID NOT NULL,
    reference TEXT NOT NULL,
    shipped_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_transfer PRIMARY KEY (id),
    CONSTRAINT ck_transfer_two_warehouses CHECK (from_warehouse_id <> to_warehouse_id),
    CONSTRAINT fk_transfer_from_warehouse_id FOREIGN KEY(from_warehouse_id) REFERENCES inventory.warehouse (id),
    CONSTRAINT fk_transfer_to_warehouse_id FOREIGN KEY(to_warehouse_id) REFERENCES inventory.warehouse (id)
);

CREATE INDEX ix_transfer_from_warehouse_id_id ON inventory.transfer (from_warehouse_id, id);

CREATE INDEX ix_transfer_to_warehouse_id_id ON inventory.transfer (to_warehouse_id, id);

GRANT SELECT, INSERT, UPDATE ON inventory.transfer TO weili_app;

CREATE TABLE inventory.arrival (
    id UUID NOT NULL,
    sku_id UUID NOT NULL,
    warehouse_id UUID NOT NULL,
    quantity BIGINT NOT NULL,
    expected_on DATE NOT NULL,
    reference TEXT NOT NULL,
    transfer_id UUID,
    state TEXT NOT NULL CONSTRAINT ck_arrival_state CHECK (state IN ('expected', 'received', 'cancelled')),
    received BIGINT NOT NULL,
    reason TEXT NOT NULL,
    is_late BOOLEAN NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_arrival PRIMARY KEY (id),
    CONSTRAINT ck_arrival_quantity CHECK (quantity > 0),
    CONSTRAINT ck_arrival_received CHECK (received >= 0),
    CONSTRAINT ck_arrival_received_state CHECK (state = 'received' OR received = 0),
    CONSTRAINT ck_arrival_due_at CHECK (state = 'expected' OR due_at IS NULL),
    CONSTRAINT fk_arrival_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id),
    CONSTRAINT fk_arrival_warehouse_id FOREIGN KEY(warehouse_id) REFERENCES inventory.warehouse (id),
    CONSTRAINT fk_arrival_transfer_id FOREIGN KEY(transfer_id) REFERENCES inventory.transfer (id)
);

CREATE INDEX ix_arrival_warehouse_id_id ON inventory.arrival (warehouse_id, id);

CREATE INDEX ix_arrival_transfer_id ON inventory.arrival (transfer_id);

CREATE INDEX ix_arrival_expected ON inventory.arrival (sku_id) WHERE state = 'expected';

CREATE INDEX ix_arrival_due_at ON inventory.arrival (due_at) WHERE due_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON inventory.arrival TO weili_app;

CREATE TABLE inventory.count (
    id UUID NOT NULL,
    warehouse_id UUID NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_count_state CHECK (state IN ('open', 'booked', 'cancelled')),
    reference TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_count PRIMARY KEY (id),
    CONSTRAINT ck_count_closed_at CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT fk_count_warehouse_id FOREIGN KEY(warehouse_id) REFERENCES inventory.warehouse (id)
);

CREATE INDEX ix_count_warehouse_id_id ON inventory.count (warehouse_id, id);

GRANT SELECT, INSERT, UPDATE ON inventory.count TO weili_app;

CREATE TABLE inventory.count_line (
    count_id UUID NOT NULL,
    sku_id UUID NOT NULL,
    expected BIGINT NOT NULL,
    counted BIGINT,
    reason TEXT NOT NULL,
    CONSTRAINT pk_count_line PRIMARY KEY (count_id, sku_id),
    CONSTRAINT ck_count_line_expected CHECK (expected >= 0),
    CONSTRAINT ck_count_line_counted CHECK (counted >= 0),
    CONSTRAINT fk_count_line_count_id FOREIGN KEY(count_id) REFERENCES inventory.count (id),
    CONSTRAINT fk_count_line_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id)
);

GRANT SELECT, INSERT, UPDATE ON inventory.count_line TO weili_app;

CREATE TABLE inventory.share (
    id UUID NOT NULL,
    sku_id UUID NOT NULL,
    warehouse_id UUID NOT NULL,
    partner_ids UUID[] NOT NULL,
    quantity BIGINT NOT NULL,
    unsold BIGINT NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_share PRIMARY KEY (id),
    CONSTRAINT ck_share_quantity CHECK (quantity > 0),
    CONSTRAINT ck_share_unsold CHECK (unsold BETWEEN 0 AND quantity),
    CONSTRAINT ck_share_due_at CHECK ((due_at IS NULL) = (ended_at IS NOT NULL)),
    CONSTRAINT ck_share_ended CHECK (ended_at IS NULL OR unsold = 0),
    CONSTRAINT fk_share_sku_id FOREIGN KEY(sku_id) REFERENCES goods.sku (id),
    CONSTRAINT fk_share_warehouse_id FOREIGN KEY(warehouse_id) REFERENCES inventory.warehouse (id)
);

CREATE INDEX ix_share_sku_id ON inventory.share (sku_id) WHERE ended_at IS NULL;

CREATE INDEX ix_share_due_at ON inventory.share (due_at) WHERE due_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON inventory.share TO weili_app;

CREATE TABLE inventory.share_use (
    subject TEXT NOT NULL,
    share_id UUID NOT NULL,
    quantity BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    CONSTRAINT pk_share_use PRIMARY KEY (subject, share_id),
    CONSTRAINT ck_share_use_quantity CHECK (quantity > 0),
    CONSTRAINT ck_share_use_returned CHECK (returned BETWEEN 0 AND quantity),
    CONSTRAINT fk_share_use_share_id FOREIGN KEY(share_id) REFERENCES inventory.share (id)
);

CREATE INDEX ix_share_use_share_id ON inventory.share_use (share_id);

GRANT SELECT, INSERT, UPDATE ON inventory.share_use TO weili_app;

ALTER TABLE dropship.child
    ADD COLUMN ships_on DATE,
    ADD COLUMN arrives_on DATE;

-- What lies in places of a bundle: its parts. Plain enough to be inlined where it is called.
CREATE FUNCTION inventory.parts_of(sku_ids UUID[]) RETURNS SETOF UUID LANGUAGE sql STABLE
    AS 'SELECT sku_id FROM goods.bundle_part WHERE bundle_id = ANY (sku_ids)';
