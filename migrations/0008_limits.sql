-- What a tenant may use, and what it uses.

-- {rows, datasets, keys, predictions, body_bytes, requests_per_second, jobs}; what is absent is the default.
ALTER TABLE tenants ADD COLUMN limits jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object');

-- How many predictions a tenant has stored, without counting them; in sixteen shards, as label_counts.
CREATE TABLE prediction_counts (
  tenant_id int NOT NULL REFERENCES tenants ON DELETE CASCADE,
  shard     smallint NOT NULL CHECK (shard BETWEEN 0 AND 15),
  stored    bigint NOT NULL,
  PRIMARY KEY (tenant_id, shard)
) WITH (fillfactor = 50);

-- An owner that is no superuser would find nothing under forced row-level security.
ALTER TABLE predictions NO FORCE ROW LEVEL SECURITY;
INSERT INTO prediction_counts (tenant_id, shard, stored)
SELECT tenant_id, 0, count(*) FROM predictions GROUP BY tenant_id;
ALTER TABLE predictions FORCE ROW LEVEL SECURITY;

ALTER TABLE prediction_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE prediction_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON prediction_counts
  USING (tenant_id = (SELECT nullif(current_setting('verdict.tenant', true), '')::int));
GRANT SELECT, INSERT, UPDATE, DELETE ON prediction_counts TO verdict_app;
