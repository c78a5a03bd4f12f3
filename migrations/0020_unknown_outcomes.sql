-- migrate: compatible-with 0013_bounds
-- How many predictions have no known outcome, so that live KPIs do not describe the labelled ones alone.

-- The days before which no outcome is expected; NULL if outcomes may come at once.
ALTER TABLE datasets ADD COLUMN outcome_after_days int;

-- The predictions that expired (predictions_kept_days) without a label, by the day (UTC) of their case. Their outcomes stay unknown.
-- An older server that deletes them does not count them.
CREATE TABLE expired_predictions (
  tenant_id     int NOT NULL,
  dataset_id    bigint NOT NULL,
  model_version int NOT NULL,
  day           date NOT NULL,
  decided_0     bigint NOT NULL DEFAULT 0,
  decided_1     bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, dataset_id, model_version, day),
  FOREIGN KEY (tenant_id, dataset_id) REFERENCES datasets ON DELETE CASCADE
);
ALTER TABLE expired_predictions ENABLE ROW LEVEL SECURITY;
ALTER TABLE expired_predictions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON expired_predictions
  USING (tenant_id = (SELECT nullif(current_setting('verdict.tenant', true), '')::int));
GRANT SELECT, INSERT, UPDATE, DELETE ON expired_predictions TO verdict_app;
