-- Turns, claims and pauses of suppliers.

CREATE TABLE dropship.supplier_health (
    supplier_id UUID NOT NULL,
    failures INTEGER NOT NULL CONSTRAINT ck_supplier_health_failures CHECK (failures >= 0),
    failure TEXT NOT NULL,
    paused_until TIMESTAMP WITH TIME ZONE,
    served_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_supplier_health PRIMARY KEY (supplier_id)
);

GRANT SELECT, INSERT, UPDATE ON dropship.supplier_health TO weili_app;

ALTER TABLE dropship.supplier_queue
    ADD COLUMN claim_id UUID,
    ADD COLUMN claimed_until TIMESTAMP WITH TIME ZONE,
    ADD CONSTRAINT ck_supplier_queue_claim CHECK ((claim_id IS NULL) = (claimed_until IS NULL));

CREATE INDEX ix_supplier_queue_claimed ON dropship.supplier_queue (supplier_id) WHERE claim_id IS NOT NULL;

DROP INDEX dropship.ix_supplier_queue_due_at;

CREATE INDEX ix_supplier_queue_due_at ON dropship.supplier_queue (supplier_id, due_at) WHERE due_at IS NOT NULL;
