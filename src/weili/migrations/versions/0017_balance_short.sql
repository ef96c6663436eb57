-- What the order came to of whose refusal the partner was told; nothing once that much was there.
ALTER TABLE ledger.balance
    ADD COLUMN short_minor BIGINT,
    ADD CONSTRAINT ck_balance_short CHECK (short_minor > 0);
