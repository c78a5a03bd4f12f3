-- How a tenant goes, and bounds of what it keeps without noticing: answers for repeats, and the audit log.

-- When its erasure began. From then on its keys open nothing, and it gets no new key and no new dataset.
ALTER TABLE tenants ADD COLUMN erased_at timestamptz;

-- How many bytes the answers of a tenant take that are kept for repeats; in sixteen shards, as label_counts.
CREATE TABLE answer_counts (
  tenant_id int NOT NULL REFERENCES tenants ON DELETE CASCADE,
  shard     smallint NOT NULL CHECK (shard BETWEEN 0 AND 15),
  bytes     bigint NOT NULL,
  PRIMARY KEY (tenant_id, shard)
) WITH (fillfactor = 50);

-- An answer counts its body, which is not read for that, its request line, and a kilobyte for its row.
-- An owner that is no superuser would find nothing under forced row-level security.
ALTER TABLE idempotency_keys NO FORCE ROW LEVEL SECURITY;
INSERT INTO answer_counts (tenant_id, shard, bytes)
SELECT tenant_id, 0, sum(coalesce(octet_length(body), 0) + octet_length(operation) + 1000)
FROM idempotency_keys GROUP BY tenant_id;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE answer_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE answer_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON answer_counts
  USING (tenant_id = (SELECT nullif(current_setting('verdict.tenant', true), '')::int));
GRANT SELECT, INSERT, UPDATE, DELETE ON answer_counts TO verdict_app;

-- A trigger, so that the count is exact whichever version of the server writes and whoever deletes.
CREATE FUNCTION idempotency_keys_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Of a tenant that goes, nothing is counted any more.
  INSERT INTO answer_counts AS c (tenant_id, shard, bytes)
  SELECT tenant_id, (pg_backend_pid() & 15)::smallint,
         coalesce(coalesce(octet_length(NEW.body), 0) + octet_length(NEW.operation) + 1000, 0)
         - coalesce(coalesce(octet_length(OLD.body), 0) + octet_length(OLD.operation) + 1000, 0)
  FROM tenants WHERE tenant_id = coalesce(NEW.tenant_id, OLD.tenant_id)
  ON CONFLICT (tenant_id, shard) DO UPDATE SET bytes = c.bytes + excluded.bytes;
  RETURN NULL;
END
$$;
CREATE TRIGGER idempotency_keys_count AFTER INSERT OR UPDATE OR DELETE ON idempotency_keys
  FOR EACH ROW EXECUTE FUNCTION idempotency_keys_count();

-- The server may not delete entries of the audit log. This removes those of its transaction's tenant that are older than
-- so many days, thirty at least, and looks at the oldest `at_most` entries.
CREATE FUNCTION forget_audit_entries(tenant int, days int, at_most int) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH oldest AS (
    SELECT id, at FROM audit_entries
    WHERE tenant_id = tenant AND tenant_id = nullif(current_setting('verdict.tenant', true), '')::int
    ORDER BY id LIMIT at_most
  ), gone AS (
    DELETE FROM audit_entries e USING oldest
    WHERE e.tenant_id = tenant AND e.id = oldest.id AND oldest.at < now() - make_interval(days => greatest(days, 30))
    RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION forget_audit_entries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_audit_entries TO verdict_app;
