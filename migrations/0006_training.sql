-- Which model predicts, how many are kept, and what a training need not read again.

-- {policy, metric}: whether the newest model predicts, or the best by a KPI.
ALTER TABLE datasets ADD COLUMN activation jsonb NOT NULL DEFAULT '{"policy": "newest", "metric": null}';
-- Beyond so many models the oldest go; the active one never does.
ALTER TABLE datasets ADD COLUMN models_kept int NOT NULL DEFAULT 50 CHECK (models_kept > 0);
-- The dataset's count of label changes (label_counts.changes) that a training has read which is not over yet.
ALTER TABLE datasets ADD COLUMN reading_changes bigint NOT NULL DEFAULT 0;

-- NULL until the row is changed for the first time, then a number from the sequence of the ids: what was written after a
-- moment has a higher id or change_id than the sequence had then. Every transaction that writes labels has locked the
-- dataset's row before (FOR KEY SHARE) or asked for its number (xid), so that it has that before its rows have their
-- ids; the reader of changes relies on this order.
ALTER TABLE labels ADD COLUMN change_id bigint;
CREATE INDEX labels_changed ON labels (tenant_id, dataset_id, change_id) WHERE change_id IS NOT NULL;

CREATE FUNCTION labels_number_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.change_id := nextval('labels_id_seq');
  RETURN NEW;
END
$$;
-- Only for statements that do not number their changes themselves: those that do pay for the comparison alone.
CREATE TRIGGER labels_number_change BEFORE UPDATE ON labels FOR EACH ROW
  WHEN (NEW.change_id IS NOT DISTINCT FROM OLD.change_id) EXECUTE FUNCTION labels_number_change();

GRANT SELECT ON SEQUENCE labels_id_seq TO verdict_app;
