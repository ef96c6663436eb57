-- Who serves yet while this step is taken notes goods and prices, as all who came before it did.
ALTER TABLE kit.touched ADD COLUMN topic INTEGER NOT NULL DEFAULT 0;
CREATE INDEX ix_touched_topic_xid ON kit.touched (topic, xid);
DROP INDEX kit.ix_touched_xid;
