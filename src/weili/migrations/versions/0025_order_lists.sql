-- Orders wait while an index is built, some seconds for each million. Who has more of them, or trades
-- on, makes these beforehand with CREATE INDEX CONCURRENTLY, by the same names: then nothing is left
-- to do here.
CREATE INDEX IF NOT EXISTS ix_order_state_id ON dropship."order" (state, id);
CREATE INDEX IF NOT EXISTS ix_order_partner_id_state_id ON dropship."order" (partner_id, state, id);
CREATE INDEX IF NOT EXISTS ix_order_number_number ON dropship.order_number USING hash (number);
