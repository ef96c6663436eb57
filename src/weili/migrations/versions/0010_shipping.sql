-- Carriers and tracks.

ALTER TABLE dropship.package
    ADD COLUMN carrier_name TEXT CONSTRAINT ck_package_carrier_name CHECK (length(carrier_name) BETWEEN 1 AND 64);

CREATE TABLE dropship.tracking (
    package_id UUID NOT NULL,
    partner_id UUID NOT NULL,
    carrier_code TEXT NOT NULL,
    waybill_number TEXT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    has_news BOOLEAN NOT NULL,
    CONSTRAINT pk_tracking PRIMARY KEY (package_id, partner_id),
    CONSTRAINT fk_tracking_package_id_partner_id FOREIGN KEY(package_id, partner_id) REFERENCES dropship.package (id, partner_id)
);

CREATE INDEX ix_tracking_waybill_number ON dropship.tracking (waybill_number, carrier_code);
CREATE INDEX ix_tracking_due_at ON dropship.tracking (carrier_code, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ix_tracking_has_news ON dropship.tracking (package_id) WHERE has_news;

GRANT SELECT, INSERT, UPDATE ON dropship.tracking TO weili_app;

-- What is on its way is asked about from now on.
INSERT INTO dropship.tracking (package_id, partner_id, carrier_code, waybill_number, due_at, has_news)
SELECT id, partner_id, carrier_code, waybill_number,
       CASE WHEN state IN ('shipped', 'intercepting', 'returning') THEN shipped_at END, false
FROM dropship.package;

CREATE TABLE dropship.track (
    package_id UUID NOT NULL,
    event_id TEXT NOT NULL,
    partner_id UUID NOT NULL,
    revision INTEGER NOT NULL CONSTRAINT ck_track_revision CHECK (revision >= 0),
    kind TEXT NOT NULL CONSTRAINT ck_track_kind CHECK (kind IN ('picked_up', 'in_transit', 'out_for_delivery', 'delivered', 'refused', 'lost', 'problem')),
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    place TEXT NOT NULL,
    text TEXT NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_track PRIMARY KEY (package_id, event_id, partner_id),
    CONSTRAINT fk_track_package_id_partner_id FOREIGN KEY(package_id, partner_id) REFERENCES dropship.package (id, partner_id)
);

GRANT SELECT, INSERT, UPDATE ON dropship.track TO weili_app;

CREATE TABLE dropship.carrier_connection (
    carrier_code TEXT NOT NULL,
    base_url TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    failures INTEGER NOT NULL CONSTRAINT ck_carrier_connection_failures CHECK (failures >= 0),
    paused_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_carrier_connection PRIMARY KEY (carrier_code)
);

GRANT SELECT, INSERT, UPDATE ON dropship.carrier_connection TO weili_app;
