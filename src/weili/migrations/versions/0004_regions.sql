-- Four levels of regions, with their changes.

ALTER TABLE regions.region
    DROP CONSTRAINT ck_region_code,
    DROP CONSTRAINT ck_region_level,
    ADD CONSTRAINT ck_region_code CHECK (code ~ '^[0-9]{6}([0-9]{3})?$'),
    ADD CONSTRAINT ck_region_level CHECK (level BETWEEN 0 AND 4);

ALTER TABLE dropship."order" ALTER COLUMN area_code TYPE TEXT;
