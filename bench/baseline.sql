-- The baselines' own tables stand in the schema `bench` already, copied from ours with their
-- indexes and constraints; here is what works on them.

CREATE TABLE bench.sku AS
SELECT (row_number() OVER (ORDER BY s.id) - 1)::int AS no, s.id AS sku_id, s.supplier_id,
  k.warehouse_id, p.unit_price_minor, p.version AS price_version, c.unit_cost_minor,
  s.tax_rate_bps, s.return_policy
FROM goods.sku s
JOIN inventory.stock k ON k.sku_id = s.id
JOIN pricing.price p ON p.sku_id = s.id
JOIN pricing.cost c ON c.sku_id = s.id;
ALTER TABLE bench.sku ADD PRIMARY KEY (no);

CREATE TABLE bench.partner AS
SELECT (row_number() OVER (ORDER BY party_id) - 1)::int AS no, party_id AS partner_id, account_id
FROM ledger.balance;
ALTER TABLE bench.partner ADD PRIMARY KEY (no);

-- What an order's answer and its sealed recipient look like, by the number of its lines: taken
-- from orders of ours, so that the rows are as wide.
CREATE TABLE bench.sample AS
SELECT (SELECT count(*)::int FROM dropship.line l JOIN dropship.child c ON c.id = l.child_id
  WHERE c.order_id = n.order_id) AS lines, n.answer, n.digest, o.recipient_sealed,
  (SELECT id FROM ledger.account WHERE kind = 'platform_revenue') AS revenue_id,
  (SELECT id FROM ledger.account WHERE kind = 'platform_freight') AS freight_id
FROM dropship.order_number n JOIN dropship."order" o ON o.id = n.order_id;
ALTER TABLE bench.sample ADD PRIMARY KEY (lines);

INSERT INTO bench.stock SELECT * FROM inventory.stock;
INSERT INTO bench.balance SELECT * FROM ledger.balance;

-- L1: one order. The rows that other orders want are touched last, so that they are locked for as
-- short as can be: stock in the order of its ids, then the balance.
CREATE FUNCTION bench.order_place(partner_no int, line_count int, sku_nos int[], quantities int[])
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  payer bench.partner;
  sample bench.sample;
  goods bench.sku[];
  wanted int[];
  placed_id uuid := uuidv7();
  child_id uuid := uuidv7();
  goods_hold_id uuid := uuidv7();
  freight_hold_id uuid := uuidv7();
  goods_minor bigint;
  freight_minor bigint := 800;
  subject text := 'chd_' || translate(child_id::text, '-', '');
BEGIN
  SELECT * INTO payer FROM bench.partner p WHERE p.no = partner_no;
  SELECT * INTO sample FROM bench.sample s WHERE s.lines = line_count;
  SELECT array_agg(s ORDER BY s.sku_id), array_agg(a.quantity ORDER BY s.sku_id),
    sum(s.unit_price_minor * a.quantity) INTO goods, wanted, goods_minor
  FROM unnest(sku_nos[:line_count], quantities[:line_count]) AS a (no, quantity)
  JOIN bench.sku s ON s.no = a.no;

  INSERT INTO bench.order_number (partner_id, number, order_id, digest, answer)
  VALUES (payer.partner_id, 'B-' || right(placed_id::text, 12), placed_id, sample.digest,
    sample.answer)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the number is taken';
  END IF;
  INSERT INTO bench."order" (id, partner_id, number, state, version, area_code, recipient_sealed,
    phone_index, goods_minor, freight_minor, currency, placed_at)
  VALUES (placed_id, payer.partner_id, 'B-' || right(placed_id::text, 12), 'confirmed', 0,
    '330106', sample.recipient_sealed, uuid_send(gen_random_uuid()), goods_minor, freight_minor,
    'CNY', now());
  INSERT INTO bench.child (id, partner_id, order_id, supplier_id, warehouse_id, state, version,
    lead_days, goods_minor, freight_minor, goods_hold_id, freight_hold_id)
  VALUES (child_id, payer.partner_id, placed_id, goods[1].supplier_id, goods[1].warehouse_id,
    'confirmed', 0, 2, goods_minor, freight_minor, goods_hold_id, freight_hold_id);
  INSERT INTO bench.line (child_id, line_no, partner_id, sku_id, quantity, unit_price_minor,
    price_version, freight_minor, unit_cost_minor, tax_rate_bps, return_policy, shipped)
  SELECT child_id, i, payer.partner_id, goods[i].sku_id, wanted[i], goods[i].unit_price_minor,
    goods[i].price_version, CASE i WHEN 1 THEN freight_minor ELSE 0 END, goods[i].unit_cost_minor,
    goods[i].tax_rate_bps, goods[i].return_policy, 0
  FROM generate_series(1, line_count) AS i;
  INSERT INTO bench.movement (id, sku_id, warehouse_id, kind, on_hand_delta, reserved_delta,
    subject, occurred_at)
  SELECT uuidv7(), goods[i].sku_id, goods[i].warehouse_id, 'reserve', 0, wanted[i], subject, now()
  FROM generate_series(1, line_count) AS i;
  INSERT INTO bench.transfer (id, party_id, kind, debit_account_id, credit_account_id,
    amount_minor, currency, purpose, subject, occurred_at)
  VALUES (goods_hold_id, payer.partner_id, 'hold', payer.account_id, sample.revenue_id,
      goods_minor, 'CNY', 'goods', subject, now()),
    (freight_hold_id, payer.partner_id, 'hold', payer.account_id, sample.freight_id,
      freight_minor, 'CNY', 'freight', subject, now());
  INSERT INTO bench.outbox (id, type, party_id, subject, data, occurred_at)
  VALUES (uuidv7(), 'order.placed', payer.partner_id, 'ord_' || translate(placed_id::text, '-', ''),
    jsonb_build_object('order_id', 'ord_' || translate(placed_id::text, '-', ''), 'number',
      'B-' || right(placed_id::text, 12), 'state', 'confirmed', 'total_minor',
      goods_minor + freight_minor), now());

  FOR i IN 1 .. line_count LOOP
    UPDATE bench.stock s SET reserved = s.reserved + wanted[i], changed_at = now()
    WHERE s.sku_id = goods[i].sku_id AND s.warehouse_id = goods[i].warehouse_id
      AND s.on_hand - s.reserved - s.safety >= wanted[i];
    IF NOT FOUND THEN
      RAISE EXCEPTION 'stock is short';
    END IF;
  END LOOP;
  UPDATE bench.balance b SET held_minor = b.held_minor + goods_minor + freight_minor
  WHERE b.account_id = payer.account_id
    AND b.posted_minor - b.held_minor - b.floor_minor >= goods_minor + freight_minor;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the balance is too low';
  END IF;
  RETURN placed_id;
END $$;

-- L2: many orders of one partner, as a batch call brings them; each statement writes a whole set.
CREATE TYPE bench.asked AS (
  order_no int, order_id uuid, child_id uuid, goods_hold_id uuid, freight_hold_id uuid,
  number text, line_no int, line_count int, quantity int, sku bench.sku, goods_minor bigint
);

CREATE FUNCTION bench.orders_place(partner_no int, order_count int, sku_share int)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  payer bench.partner;
  asked bench.asked[];
  placed bench.asked[];
  freight_minor bigint := 800;
  room_minor bigint;
  accepted int;
  total_minor bigint;
BEGIN
  SELECT * INTO payer FROM bench.partner p WHERE p.no = partner_no;
  -- The orders that are asked for: what a client would send, made here at once.
  SELECT array_agg(ROW(o.order_no, o.order_id, o.child_id, o.goods_hold_id, o.freight_hold_id,
    'B-' || right(o.order_id::text, 12), l.line_no, o.line_count, l.quantity, s, NULL)::bench.asked)
  INTO asked
  FROM (
    SELECT order_no, uuidv7() AS order_id, uuidv7() AS child_id, uuidv7() AS goods_hold_id,
      uuidv7() AS freight_hold_id, floor(random() * 10)::int * sku_share AS first_sku,
      1 + floor(random() * 3)::int AS line_count
    FROM generate_series(1, order_count) AS order_no
  ) AS o
  CROSS JOIN LATERAL (
    SELECT line_no, o.first_sku + floor(random() * sku_share)::int AS sku_no,
      1 + floor(random() * 3)::int AS quantity
    FROM generate_series(1, o.line_count) AS line_no
  ) AS l
  JOIN bench.sku s ON s.no = l.sku_no;

  PERFORM 1 FROM bench.stock s
  WHERE s.sku_id = ANY (ARRAY(SELECT (a.sku).sku_id FROM unnest(asked) AS a))
  ORDER BY s.sku_id, s.warehouse_id FOR UPDATE;
  SELECT b.posted_minor - b.held_minor - b.floor_minor INTO room_minor FROM bench.balance b
  WHERE b.account_id = payer.account_id FOR UPDATE;

  -- An order is refused when stock is short after all orders before it, or money is.
  WITH counted AS (
    SELECT a, sum(a.quantity) OVER (PARTITION BY (a.sku).sku_id ORDER BY a.order_no, a.line_no)
        <= s.on_hand - s.reserved - s.safety AS fits,
      sum(a.quantity * (a.sku).unit_price_minor) OVER (PARTITION BY a.order_no) AS goods_minor
    FROM unnest(asked) AS a
    JOIN bench.stock s ON s.sku_id = (a.sku).sku_id AND s.warehouse_id = (a.sku).warehouse_id
  ), whole AS (
    SELECT a, goods_minor, bool_and(fits) OVER (PARTITION BY (a).order_no) AS fits FROM counted
  ), paid AS (
    SELECT a, goods_minor, sum(CASE (a).line_no WHEN 1 THEN goods_minor + freight_minor ELSE 0 END)
      OVER (ORDER BY (a).order_no) <= room_minor AS is_covered
    FROM whole WHERE fits
  )
  SELECT array_agg(ROW((a).order_no, (a).order_id, (a).child_id, (a).goods_hold_id,
      (a).freight_hold_id, (a).number, (a).line_no, (a).line_count, (a).quantity, (a).sku,
      goods_minor)::bench.asked),
    count(*) FILTER (WHERE (a).line_no = 1),
    sum(goods_minor + freight_minor) FILTER (WHERE (a).line_no = 1)
  INTO placed, accepted, total_minor FROM paid WHERE is_covered;

  INSERT INTO bench.order_number (partner_id, number, order_id, digest, answer)
  SELECT payer.partner_id, a.number, a.order_id, s.digest, s.answer
  FROM unnest(placed) AS a JOIN bench.sample s ON s.lines = a.line_count WHERE a.line_no = 1
  ON CONFLICT DO NOTHING;
  INSERT INTO bench."order" (id, partner_id, number, state, version, area_code, recipient_sealed,
    phone_index, goods_minor, freight_minor, currency, placed_at)
  SELECT a.order_id, payer.partner_id, a.number, 'confirmed', 0, '330106', s.recipient_sealed,
    uuid_send(gen_random_uuid()), a.goods_minor, freight_minor, 'CNY', now()
  FROM unnest(placed) AS a JOIN bench.sample s ON s.lines = a.line_count WHERE a.line_no = 1;
  INSERT INTO bench.child (id, partner_id, order_id, supplier_id, warehouse_id, state, version,
    lead_days, goods_minor, freight_minor, goods_hold_id, freight_hold_id)
  SELECT a.child_id, payer.partner_id, a.order_id, (a.sku).supplier_id, (a.sku).warehouse_id,
    'confirmed', 0, 2, a.goods_minor, freight_minor, a.goods_hold_id, a.freight_hold_id
  FROM unnest(placed) AS a WHERE a.line_no = 1;
  INSERT INTO bench.line (child_id, line_no, partner_id, sku_id, quantity, unit_price_minor,
    price_version, freight_minor, unit_cost_minor, tax_rate_bps, return_policy, shipped)
  SELECT a.child_id, a.line_no, payer.partner_id, (a.sku).sku_id, a.quantity,
    (a.sku).unit_price_minor, (a.sku).price_version,
    CASE a.line_no WHEN 1 THEN freight_minor ELSE 0 END, (a.sku).unit_cost_minor,
    (a.sku).tax_rate_bps, (a.sku).return_policy, 0
  FROM unnest(placed) AS a;
  INSERT INTO bench.movement (id, sku_id, warehouse_id, kind, on_hand_delta, reserved_delta,
    subject, occurred_at)
  SELECT uuidv7(), (a.sku).sku_id, (a.sku).warehouse_id, 'reserve', 0, a.quantity,
    'chd_' || translate(a.child_id::text, '-', ''), now()
  FROM unnest(placed) AS a;
  INSERT INTO bench.transfer (id, party_id, kind, debit_account_id, credit_account_id,
    amount_minor, currency, purpose, subject, occurred_at)
  SELECT h.id, payer.partner_id, 'hold', payer.account_id, h.credit_id, h.amount_minor, 'CNY',
    h.purpose, 'chd_' || translate(a.child_id::text, '-', ''), now()
  FROM unnest(placed) AS a JOIN bench.sample s ON s.lines = a.line_count
  CROSS JOIN LATERAL (VALUES
    (a.goods_hold_id, s.revenue_id, a.goods_minor, 'goods'),
    (a.freight_hold_id, s.freight_id, freight_minor, 'freight')
  ) AS h (id, credit_id, amount_minor, purpose)
  WHERE a.line_no = 1;
  INSERT INTO bench.outbox (id, type, party_id, subject, data, occurred_at)
  SELECT uuidv7(), 'order.placed', payer.partner_id,
    'ord_' || translate(a.order_id::text, '-', ''),
    jsonb_build_object('order_id', 'ord_' || translate(a.order_id::text, '-', ''), 'number',
      a.number, 'state', 'confirmed', 'total_minor', a.goods_minor + freight_minor), now()
  FROM unnest(placed) AS a WHERE a.line_no = 1;
  UPDATE bench.stock s SET reserved = s.reserved + x.quantity, changed_at = now()
  FROM (SELECT (a.sku).sku_id, (a.sku).warehouse_id, sum(a.quantity) AS quantity
    FROM unnest(placed) AS a GROUP BY 1, 2) AS x
  WHERE s.sku_id = x.sku_id AND s.warehouse_id = x.warehouse_id;
  UPDATE bench.balance b SET held_minor = b.held_minor + total_minor
  WHERE b.account_id = payer.account_id;
  RETURN accepted;
END $$;
