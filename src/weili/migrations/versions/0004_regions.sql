-- Four levels of regions, with their changes.

ALTER TABLE regions.region
    DROP CONSTRAINT ck_region_code,
    DROP CONSTRAINT ck_region_level,
    ADD CONSTRAINT ck_region_code CHECK (code ~ '^[0-9]{6}([0-9]{3})?$'),
    ADD CONSTRAINT ck_region_level CHECK (level BETWEEN 0 AND 4),
    ADD COLUMN until_year SMALLINT;

CREATE TABLE regions.succession (
    code TEXT NOT NULL,
    successor_code TEXT NOT NULL,
    CONSTRAINT pk_succession PRIMARY KEY (code, successor_code),
    CONSTRAINT ck_succession_other CHECK (code <> successor_code),
    CONSTRAINT fk_succession_code FOREIGN KEY(code) REFERENCES regions.region (code),
    CONSTRAINT fk_succession_successor_code FOREIGN KEY(successor_code) REFERENCES regions.region (code)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON regions.succession TO weili_app;

CREATE TABLE regions.change (
    position BIGINT NOT NULL,
    year SMALLINT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT ck_change_kind CHECK (kind IN ('created', 'renamed', 'replaced', 'split', 'reassigned', 'abolished')),
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    successor_code TEXT,
    successor_name TEXT,
    vintage TEXT NOT NULL,
    CONSTRAINT pk_change PRIMARY KEY (position)
);

GRANT SELECT, INSERT ON regions.change TO weili_app;

ALTER TABLE dropship."order" ALTER COLUMN area_code TYPE TEXT;
