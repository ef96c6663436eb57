-- What each day's last piece was sold for: where seven days had no trade, a compare-at price is held
-- to the last transaction price.

ALTER TABLE pricing.transaction_day ADD COLUMN last_minor BIGINT, ADD COLUMN last_at TIMESTAMP WITH TIME ZONE;

UPDATE pricing.transaction_day d SET last_minor = x.unit_price_minor, last_at = x.placed_at FROM (
    SELECT DISTINCT ON (1, 2) l.sku_id, (o.placed_at AT TIME ZONE 'Asia/Shanghai')::date AS traded_on,
        l.unit_price_minor, o.placed_at
    FROM dropship.line l
    JOIN dropship.child c ON c.id = l.child_id AND c.partner_id = l.partner_id
    JOIN dropship."order" o ON o.id = c.order_id AND o.partner_id = c.partner_id
    WHERE c.state NOT IN ('waiting_funds', 'held', 'confirmed', 'cancelled')
    ORDER BY 1, 2, o.placed_at DESC, l.unit_price_minor
) AS x WHERE x.sku_id = d.sku_id AND x.traded_on = d.traded_on
    AND x.unit_price_minor BETWEEN d.lowest_minor AND d.highest_minor;

-- Days of which every order was cancelled later: the lowest price is the careful choice.
UPDATE pricing.transaction_day SET last_minor = lowest_minor,
    last_at = traded_on::timestamp AT TIME ZONE 'Asia/Shanghai' WHERE last_minor IS NULL;

ALTER TABLE pricing.transaction_day ALTER COLUMN last_minor SET NOT NULL,
    ALTER COLUMN last_at SET NOT NULL, DROP CONSTRAINT ck_transaction_day_amounts,
    ADD CONSTRAINT ck_transaction_day_amounts CHECK (0 <= lowest_minor
        AND lowest_minor <= last_minor AND last_minor <= highest_minor);
