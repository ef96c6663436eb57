-- Of what may be remembered outside of the database: which things a transaction has changed.
CREATE TABLE kit.touched (
    xid BIGINT NOT NULL,
    ids UUID[] NOT NULL
);
CREATE INDEX ix_touched_xid ON kit.touched (xid);
GRANT SELECT, INSERT, UPDATE, DELETE ON kit.touched TO weili_app;
