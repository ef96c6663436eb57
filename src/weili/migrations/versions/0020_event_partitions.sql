-- When the newest of the rows that were taken out happened: of what began before, not all is there.
ALTER TABLE kit.partition ADD COLUMN newest_at TIMESTAMP WITH TIME ZONE;

-- All that was is the first partition, and no row of it is moved. The key by id goes, since no
-- partition could promise it for another; an index finds ids as it did.
DO $$
DECLARE
    bound BIGINT := coalesce((SELECT max(position) FROM kit.event), 0) + 1;
    name TEXT := bound - 1;
BEGIN
    EXECUTE format('ALTER TABLE kit.event DROP CONSTRAINT uq_event_id,'
        ' ADD CONSTRAINT ck_event_bound CHECK (position < %s)', bound);
    EXECUTE format('ALTER TABLE kit.event RENAME CONSTRAINT pk_event TO pk_event_%s', name);
    EXECUTE format('ALTER INDEX kit.ix_event_party_id_position RENAME TO ix_event_%s_party_id_position', name);
    EXECUTE format('ALTER TABLE kit.event RENAME TO event_%s', name);
    EXECUTE format('REVOKE ALL ON kit.event_%s FROM weili_app', name);
    CREATE TABLE kit.event (
        position BIGINT NOT NULL,
        id UUID NOT NULL,
        type TEXT NOT NULL,
        party_id UUID NOT NULL,
        subject TEXT NOT NULL,
        data JSONB NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_event PRIMARY KEY (position)
    ) PARTITION BY RANGE (position);
    CREATE INDEX ix_event_party_id_position ON kit.event (party_id, position);
    CREATE INDEX ix_event_id ON kit.event (id);
    EXECUTE format(
        'ALTER TABLE kit.event ATTACH PARTITION kit.event_%s FOR VALUES FROM (MINVALUE) TO (%s)', name, bound
    );
    EXECUTE format('ALTER TABLE kit.event_%s DROP CONSTRAINT ck_event_bound', name);
    CREATE TABLE kit.event_default PARTITION OF kit.event DEFAULT;
    INSERT INTO kit.partition (parent, no, name, bound) VALUES ('kit.event', 1, name, bound);
    PERFORM kit.partition_add('kit.event', (bound + 4999999)::text, (bound + 5000000)::text);
END $$;

GRANT SELECT, INSERT ON kit.event TO weili_app;

-- What is in none of the partitions is for `verify` to find.
GRANT SELECT ON kit.event_default TO weili_app;
