-- migrate: compatible-with 0013_bounds
-- Outcomes are closed pairs of words, and keys have one Unicode normalization form.

-- The word for outcome 0. A dataset from before has none until its owner gives it one, and then any word but the positive
-- one means 0.
ALTER TABLE datasets ADD COLUMN label_negative text;

-- Keys are normalized to form C when they arrive, so that a key stored in another form would never be found again. Such keys
-- are rare: all are read here, and few are changed. Two keys that differ in their form alone stay as they are, since
-- nothing says which row is meant.
DO $$
DECLARE
  tenant int;
  left_alone record;
BEGIN
  FOR tenant IN SELECT tenant_id FROM tenants ORDER BY tenant_id LOOP
    -- The owner is subject to forced row-level security, too.
    PERFORM set_config('verdict.tenant', tenant::text, true);
    WITH forms AS (
      SELECT dataset_id, id, normalize(key, NFC) AS form,
             count(*) OVER (PARTITION BY dataset_id, normalize(key, NFC)) AS claimants
      FROM labels WHERE tenant_id = tenant AND key IS NOT NULL AND key IS NOT NFC NORMALIZED)
    UPDATE labels l SET key = f.form FROM forms f
    WHERE l.tenant_id = tenant AND l.dataset_id = f.dataset_id AND l.id = f.id
      AND f.claimants = 1 AND octet_length(f.form) <= 200
      AND NOT EXISTS (
        SELECT FROM labels o WHERE o.tenant_id = tenant AND o.dataset_id = f.dataset_id AND o.key = f.form);
    FOR left_alone IN
      SELECT dataset_id, count(*) AS labels, min(id) AS first FROM labels
      WHERE tenant_id = tenant AND key IS NOT NULL AND key IS NOT NFC NORMALIZED
      GROUP BY dataset_id ORDER BY dataset_id
    LOOP
      RAISE WARNING 'tenant %, dataset %: % labels, the first of them %, keep keys that differ from others in their Unicode normalization form alone',
        tenant, left_alone.dataset_id, left_alone.labels, left_alone.first;
    END LOOP;
  END LOOP;
  PERFORM set_config('verdict.tenant', '', true);
END
$$;
