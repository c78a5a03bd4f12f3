-- What predictions that were labelled afterwards say of the model that gave them; how long predictions are kept.

ALTER TABLE datasets
  -- After how many days a stored prediction goes; NULL for never.
  ADD COLUMN predictions_kept_days int CHECK (predictions_kept_days BETWEEN 1 AND 36500),
  -- Whether the live KPIs passed the gate when the dataset had the revision beside it: as long as both are so, a change
  -- of the live KPIs that changes nothing of that is no news to the servers.
  ADD COLUMN live_verdict boolean,
  ADD COLUMN live_verdict_revision bigint;

ALTER TABLE labels
  -- Of a row that came from a prediction: who gave it, with what probability, and how it was decided. They stay when the
  -- prediction itself goes.
  ADD COLUMN model_version int,
  ADD COLUMN probability double precision,
  ADD COLUMN predicted boolean;
CREATE INDEX labels_live ON labels (tenant_id, dataset_id, model_version) WHERE model_version IS NOT NULL;

-- The confusion matrix of each version on predictions that were labelled afterwards, kept up to date in the transaction
-- that labels them.
CREATE TABLE live_counts (
  tenant_id       int NOT NULL,
  dataset_id      bigint NOT NULL,
  model_version   int NOT NULL,
  true_positives  bigint NOT NULL DEFAULT 0,
  false_positives bigint NOT NULL DEFAULT 0,
  true_negatives  bigint NOT NULL DEFAULT 0,
  false_negatives bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, dataset_id, model_version),
  FOREIGN KEY (tenant_id, dataset_id) REFERENCES datasets ON DELETE CASCADE
);

-- What is there already; the owner is bound by forced row-level security, too.
ALTER TABLE labels NO FORCE ROW LEVEL SECURITY;
ALTER TABLE predictions NO FORCE ROW LEVEL SECURITY;
UPDATE labels l SET model_version = p.model_version, probability = p.probability, predicted = p.label
FROM predictions p
WHERE p.tenant_id = l.tenant_id AND p.dataset_id = l.dataset_id AND p.id = l.prediction_id;
INSERT INTO live_counts
SELECT tenant_id, dataset_id, model_version,
       count(*) FILTER (WHERE predicted AND label), count(*) FILTER (WHERE predicted AND NOT label),
       count(*) FILTER (WHERE NOT predicted AND NOT label), count(*) FILTER (WHERE NOT predicted AND label)
FROM labels WHERE model_version IS NOT NULL
GROUP BY tenant_id, dataset_id, model_version;
ALTER TABLE labels FORCE ROW LEVEL SECURITY;
ALTER TABLE predictions FORCE ROW LEVEL SECURITY;

ALTER TABLE live_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON live_counts
  USING (tenant_id = (SELECT nullif(current_setting('verdict.tenant', true), '')::int));
GRANT SELECT, INSERT, UPDATE, DELETE ON live_counts TO verdict_app;
