-- The history of an SKU is written with it and only added to, as those of prices, costs and stock
-- are, which refer to nothing either: the check took as long as the row.
ALTER TABLE goods.sku_history DROP CONSTRAINT fk_sku_history_sku_id;

-- A fact lies here for a moment. Those that name a hundred SKUs were compressed on the way in, and
-- again for the log that they are moved to.
ALTER TABLE kit.outbox SET (toast_tuple_target = 8160);
