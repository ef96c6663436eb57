-- The notes that are there are all of goods and prices.
ALTER TABLE kit.touched ADD COLUMN topic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE kit.touched ALTER COLUMN topic DROP DEFAULT;
CREATE INDEX ix_touched_topic_xid ON kit.touched (topic, xid);
DROP INDEX kit.ix_touched_xid;
