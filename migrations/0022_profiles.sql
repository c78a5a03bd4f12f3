-- migrate: compatible-with 0013_bounds
-- The distribution of the features in the labels of a dataset, as the newest training has computed it.

CREATE TABLE profiles (
  tenant_id   int NOT NULL,
  dataset_id  bigint NOT NULL,
  computed_at timestamptz NOT NULL DEFAULT now(),
  -- The dataset's count of label changes (label_counts.changes) in the labels that the profile describes.
  changes     bigint NOT NULL,
  positives   bigint NOT NULL,
  negatives   bigint NOT NULL,
  -- One object for each feature. Text, since jsonb writes a number such as 1e150 with all its digits.
  features    json NOT NULL,
  PRIMARY KEY (tenant_id, dataset_id),
  FOREIGN KEY (tenant_id, dataset_id) REFERENCES datasets ON DELETE CASCADE
);

ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE profiles FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON profiles
  USING (tenant_id = (SELECT nullif(current_setting('verdict.tenant', true), '')::int));
GRANT SELECT, INSERT, UPDATE, DELETE ON profiles TO verdict_app;
