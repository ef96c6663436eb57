-- Which partitions there are of the tables that are cut by time, in their order; each begins where the
-- one before it ends. Written by the owner alone.
CREATE TABLE kit.partition (
    parent TEXT NOT NULL,
    no INTEGER NOT NULL,
    name TEXT NOT NULL,
    bound TEXT NOT NULL,
    row_count BIGINT,
    sha256 TEXT,
    out_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_partition PRIMARY KEY (parent, no),
    CONSTRAINT uq_partition_parent_name UNIQUE (parent, name),
    CONSTRAINT ck_partition_out CHECK (num_nulls(row_count, sha256, out_at) IN (0, 3))
);

GRANT SELECT ON kit.partition TO weili_app;

-- Adds a partition that ends at a bound, and takes in what the default one holds of it. Says whether
-- it did: not when there is one that far, nor while somebody reads long in the default one, whom
-- others would have to wait for behind us. The application calls it and owns nothing, so it can cut
-- no table that no step has cut, name a partition only by what it ends with, and end it no further
-- than twenty years, or ten million positions, from where the world is.
CREATE FUNCTION kit.partition_add(of_table TEXT, part_name TEXT, upto TEXT) RETURNS BOOLEAN
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
DECLARE
    last kit.partition;
    key TEXT;
    type TEXT;
    part TEXT := of_table || '_' || part_name;
    is_further BOOLEAN;
    is_right BOOLEAN;
    now_at TIMESTAMPTZ := now() + coalesce((SELECT offset_s FROM kit.clock), 0) * interval '1 second';
    ends_at TIMESTAMPTZ;
    newest BIGINT;
BEGIN
    IF part_name !~ '^[0-9][0-9_]{0,15}$' OR NOT EXISTS (
        SELECT FROM kit.partition WHERE parent = of_table
    ) THEN
        RAISE EXCEPTION 'no partition % of %', part_name, of_table;
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', of_table);
    SELECT * INTO last FROM kit.partition WHERE parent = of_table ORDER BY no DESC LIMIT 1;
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) INTO STRICT key, type
        FROM pg_partitioned_table p
        JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
        WHERE p.partrelid = of_table::regclass;
    EXECUTE format('SELECT %L::%s::text', upto, type) INTO upto;
    IF type = 'uuid' AND part_name ~ '^[0-9]{4}_(0[1-9]|1[0-2])$' AND part_name >= '1970' THEN
        ends_at := (to_date(part_name, 'YYYY_MM') + interval '1 month')
            AT TIME ZONE 'Asia/Shanghai';
        is_right := ends_at < now_at + interval '20 years' AND translate(upto, '-', '') = rpad(
            lpad(to_hex((extract(epoch FROM ends_at) * 1000)::bigint), 12, '0'), 32, '0'
        );
    ELSIF type = 'bigint' THEN
        EXECUTE format('SELECT coalesce(max(%I), 0) FROM %s', key, of_table) INTO newest;
        is_right := part_name = (upto::bigint - 1)::text AND upto::bigint <= newest + 10000000;
    END IF;
    IF is_right IS NOT TRUE THEN
        RAISE EXCEPTION 'no partition % of % ends at %', part_name, of_table, upto;
    END IF;
    EXECUTE format('SELECT %L::%s > %L::%s', upto, type, last.bound, type) INTO is_further;
    IF NOT is_further THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %s_default IN ACCESS EXCLUSIVE MODE', of_table);
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', part, of_table);
    EXECUTE format(
        'WITH moved AS (DELETE FROM %s_default WHERE %I >= %L AND %I < %L RETURNING *)'
        ' INSERT INTO %s SELECT * FROM moved', of_table, key, last.bound, key, upto, part
    );
    -- Unlike PARTITION OF, this locks nobody out who writes to the table.
    EXECUTE format(
        'ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
        of_table, part, last.bound, upto
    );
    INSERT INTO kit.partition (parent, no, name, bound)
        VALUES (of_table, last.no + 1, part_name, upto);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END $$;

REVOKE ALL ON FUNCTION kit.partition_add FROM PUBLIC;

GRANT EXECUTE ON FUNCTION kit.partition_add TO weili_app;

-- All that was is the first partition, and no row of it is moved. It ends with the month of the newest
-- movement, or with this month where that is later, by the world's own clock.
DO $$
DECLARE
    newest_at TIMESTAMPTZ := (
        SELECT to_timestamp((('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint) / 1000.0)
        FROM inventory.movement ORDER BY id DESC LIMIT 1
    );
    now_at TIMESTAMPTZ := now() + coalesce((SELECT offset_s FROM kit.clock), 0) * interval '1 second';
    month TIMESTAMP := date_trunc('month', greatest(newest_at, now_at) AT TIME ZONE 'Asia/Shanghai');
    name TEXT := to_char(month, 'YYYY_MM');
    bound UUID := rpad(
        lpad(to_hex((
            extract(epoch FROM (month + interval '1 month') AT TIME ZONE 'Asia/Shanghai') * 1000
        )::bigint), 12, '0'), 32, '0'
    )::uuid;
    kinds TEXT := $check$CASE kind WHEN 'receipt' THEN on_hand_delta > 0 AND reserved_delta = 0 WHEN 'adjust' THEN on_hand_delta <> 0 AND reserved_delta = 0 WHEN 'reserve' THEN on_hand_delta = 0 AND reserved_delta > 0 WHEN 'release' THEN on_hand_delta = 0 AND reserved_delta < 0 WHEN 'issue' THEN on_hand_delta < 0 AND reserved_delta = on_hand_delta WHEN 'transfer_out' THEN on_hand_delta < 0 AND reserved_delta = 0 WHEN 'transfer_in' THEN on_hand_delta > 0 AND reserved_delta = 0 WHEN 'count_gain' THEN on_hand_delta > 0 AND reserved_delta = 0 WHEN 'count_loss' THEN on_hand_delta < 0 AND reserved_delta = 0 WHEN 'damage' THEN on_hand_delta < 0 AND reserved_delta = 0 WHEN 'return' THEN on_hand_delta > 0 AND reserved_delta = 0 WHEN 'carried' THEN on_hand_delta <> 0 OR reserved_delta <> 0 ELSE false END$check$;
BEGIN
    -- One reading of the table for both; with the second, attaching takes none.
    EXECUTE format(
        'ALTER TABLE inventory.movement DROP CONSTRAINT ck_movement_kind,'
        ' ADD CONSTRAINT ck_movement_kind CHECK (%s), ADD CONSTRAINT ck_movement_bound CHECK (id < %L)',
        kinds, bound
    );
    EXECUTE format('ALTER TABLE inventory.movement RENAME CONSTRAINT pk_movement TO pk_movement_%s', name);
    EXECUTE format('ALTER TABLE inventory.movement RENAME TO movement_%s', name);
    EXECUTE format('REVOKE ALL ON inventory.movement_%s FROM weili_app', name);
    CREATE TABLE inventory.movement (
        id UUID NOT NULL,
        sku_id UUID NOT NULL,
        warehouse_id UUID NOT NULL,
        kind TEXT NOT NULL,
        on_hand_delta BIGINT NOT NULL,
        reserved_delta BIGINT NOT NULL,
        subject TEXT NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_movement PRIMARY KEY (id, sku_id)
    ) PARTITION BY RANGE (id);
    EXECUTE format('ALTER TABLE inventory.movement ADD CONSTRAINT ck_movement_kind CHECK (%s)', kinds);
    EXECUTE format(
        'ALTER TABLE inventory.movement ATTACH PARTITION inventory.movement_%s'
        ' FOR VALUES FROM (MINVALUE) TO (%L)', name, bound
    );
    EXECUTE format('ALTER TABLE inventory.movement_%s DROP CONSTRAINT ck_movement_bound', name);
    CREATE TABLE inventory.movement_default PARTITION OF inventory.movement DEFAULT;
    INSERT INTO kit.partition (parent, no, name, bound)
        VALUES ('inventory.movement', 1, name, bound);
END $$;

GRANT SELECT, INSERT ON inventory.movement TO weili_app;

-- What is in none of the months is for `verify` to find.
GRANT SELECT ON inventory.movement_default TO weili_app;
