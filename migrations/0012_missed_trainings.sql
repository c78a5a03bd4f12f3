-- What it takes to find trainings that nobody has asked for though they are due.

-- The start (jobs.started_at) of the attempt that has noted reading_changes: as long as the running training's is another,
-- it has yet to say what it reads.
ALTER TABLE datasets ADD COLUMN reading_began timestamptz;
COMMENT ON COLUMN datasets.reading_changes IS
  'The count of label changes up to which a training was begun, or the waiting one called off: nothing is queued for these alone';

-- The datasets that train by themselves.
CREATE INDEX datasets_auto_train ON datasets (tenant_id, id)
  WHERE auto_train -> 'enabled' = 'true' AND deleted_at IS NULL;
