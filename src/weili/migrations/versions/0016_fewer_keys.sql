-- Each of these pointed from every row of a sheet to one and the same row. The statement's own
-- transaction has read that row, nobody may delete it, and `weili verify` looks for what the key
-- would have refused (decision 0007). Of an SKU's supplier its SPU's key says as much: both have one.
ALTER TABLE goods.sku DROP CONSTRAINT fk_sku_supplier_id;
ALTER TABLE goods.pool_sku DROP CONSTRAINT fk_pool_sku_pool_id;
ALTER TABLE pricing.price DROP CONSTRAINT fk_price_list_id;
ALTER TABLE inventory.stock DROP CONSTRAINT fk_stock_warehouse_id;

-- The key of variants begins with the SPU, and finds its SKUs as well.
DROP INDEX goods.ix_sku_spu_id;

-- Few prices come from a change that was planned ahead; it is these that are looked for.
DROP INDEX pricing.ix_price_history_change_id;
CREATE INDEX ix_price_history_change_id ON pricing.price_history (change_id)
    WHERE change_id IS NOT NULL;
