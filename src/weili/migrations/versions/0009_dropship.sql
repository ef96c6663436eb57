-- The rest of an order's life: waiting for funds, picking, packages that come back, remarks.

ALTER TABLE dropship."order" DROP CONSTRAINT ck_order_state;
ALTER TABLE dropship."order" ADD CONSTRAINT ck_order_state CHECK (state IN ('waiting_funds', 'held', 'confirmed', 'released', 'picking', 'cancelling', 'part_shipped', 'shipped', 'intercepting', 'returning', 'delivered', 'completed', 'refunded', 'cancelled')) NOT VALID;
ALTER TABLE dropship."order" VALIDATE CONSTRAINT ck_order_state;

CREATE INDEX ix_order_waiting ON dropship."order" (partner_id, id) WHERE state = 'waiting_funds';

ALTER TABLE dropship.child DROP CONSTRAINT ck_child_state;
ALTER TABLE dropship.child ADD CONSTRAINT ck_child_state CHECK (state IN ('waiting_funds', 'held', 'confirmed', 'released', 'picking', 'cancelling', 'part_shipped', 'shipped', 'intercepting', 'returning', 'delivered', 'completed', 'refunded', 'cancelled', 'split')) NOT VALID;
ALTER TABLE dropship.child VALIDATE CONSTRAINT ck_child_state;
ALTER TABLE dropship.child ADD COLUMN split_from UUID, ADD COLUMN replaces_package_id UUID;

-- A line whose pieces all went to other children stays, with none.
ALTER TABLE dropship.line DROP CONSTRAINT ck_line_quantity;
ALTER TABLE dropship.line ADD CONSTRAINT ck_line_quantity CHECK (quantity BETWEEN 0 AND 100000) NOT VALID;
ALTER TABLE dropship.line VALIDATE CONSTRAINT ck_line_quantity;

ALTER TABLE dropship.package
    ADD COLUMN state TEXT,
    ADD COLUMN version INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN goods_minor BIGINT,
    ADD COLUMN freight_minor BIGINT,
    ADD COLUMN cost_minor BIGINT,
    ADD COLUMN back TEXT CONSTRAINT ck_package_back CHECK (back IN ('refused', 'intercepted')),
    ADD COLUMN condition TEXT CONSTRAINT ck_package_condition CHECK (condition IN ('good', 'damaged')),
    ADD COLUMN due_at TIMESTAMP WITH TIME ZONE;

-- What each package was worth when it left: freight went by the pieces so far, in the packages' order.
WITH piece AS (
    SELECT i.package_id, i.partner_id, i.quantity, l.unit_price_minor, l.unit_cost_minor,
           l.freight_minor, l.quantity AS whole,
           sum(i.quantity) OVER (PARTITION BY p.child_id, p.partner_id, i.line_no ORDER BY p.id) AS so_far
    FROM dropship.package_line i
    JOIN dropship.package p ON p.id = i.package_id AND p.partner_id = i.partner_id
    JOIN dropship.line l
      ON l.child_id = p.child_id AND l.partner_id = p.partner_id AND l.line_no = i.line_no
), worth AS (
    SELECT package_id, partner_id, sum(unit_price_minor * quantity) AS goods,
           sum(freight_minor * so_far / whole - freight_minor * (so_far - quantity) / whole) AS freight,
           sum(unit_cost_minor * quantity) AS cost
    FROM (SELECT package_id, partner_id, quantity, unit_price_minor, unit_cost_minor, freight_minor,
                 whole, so_far::bigint AS so_far FROM piece) AS counted
    GROUP BY package_id, partner_id
)
UPDATE dropship.package p
SET state = CASE WHEN p.delivered_at IS NULL THEN 'shipped' ELSE 'delivered' END,
    version = CASE WHEN p.delivered_at IS NULL THEN 0 ELSE 1 END,
    goods_minor = w.goods, freight_minor = w.freight, cost_minor = w.cost
FROM worth w WHERE w.package_id = p.id AND w.partner_id = p.partner_id;

ALTER TABLE dropship.package
    ALTER COLUMN state SET NOT NULL,
    ALTER COLUMN version DROP DEFAULT,
    ALTER COLUMN goods_minor SET NOT NULL,
    ALTER COLUMN freight_minor SET NOT NULL,
    ALTER COLUMN cost_minor SET NOT NULL,
    ADD CONSTRAINT ck_package_state CHECK (state IN ('shipped', 'intercepting', 'returning', 'delivered', 'returned', 'lost')),
    ADD CONSTRAINT ck_package_amounts CHECK (goods_minor >= 0 AND freight_minor >= 0 AND cost_minor >= 0);

CREATE INDEX ix_package_due_at ON dropship.package (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE dropship.package_history (
    package_id UUID NOT NULL,
    version INTEGER NOT NULL,
    partner_id UUID NOT NULL,
    order_id UUID NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT pk_package_history PRIMARY KEY (package_id, version, partner_id)
);

GRANT SELECT, INSERT ON dropship.package_history TO weili_app;

INSERT INTO dropship.package_history (package_id, version, partner_id, order_id, from_state, to_state, at, actor, reason)
SELECT p.id, 1, p.partner_id, c.order_id, 'shipped', 'delivered', p.delivered_at, 'system:weili', 'delivered'
FROM dropship.package p JOIN dropship.child c ON c.id = p.child_id AND c.partner_id = p.partner_id
WHERE p.delivered_at IS NOT NULL;

CREATE TABLE dropship.remark (
    id UUID NOT NULL,
    partner_id UUID NOT NULL,
    order_id UUID NOT NULL,
    audience TEXT NOT NULL CONSTRAINT ck_remark_audience CHECK (audience IN ('operator', 'supplier')),
    text TEXT NOT NULL,
    actor TEXT NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_remark PRIMARY KEY (id, partner_id),
    CONSTRAINT ck_remark_text CHECK (length(text) BETWEEN 1 AND 300),
    CONSTRAINT fk_remark_order_id_partner_id FOREIGN KEY(order_id, partner_id) REFERENCES dropship."order" (id, partner_id)
);

CREATE INDEX ix_remark_order_id ON dropship.remark (order_id);

GRANT SELECT, INSERT ON dropship.remark TO weili_app;

CREATE TABLE dropship.partner_setting (
    partner_id UUID NOT NULL,
    low_balance TEXT NOT NULL CONSTRAINT ck_partner_setting_low_balance CHECK (low_balance IN ('refuse', 'wait')),
    CONSTRAINT pk_partner_setting PRIMARY KEY (partner_id)
);

GRANT SELECT, INSERT, UPDATE ON dropship.partner_setting TO weili_app;
