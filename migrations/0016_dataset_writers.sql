-- migrate: compatible-with 0013_bounds
-- The first half of a dataset's deletion.

-- False from the moment when the deletion was requested. Writers of rows are refused from then on, and the second half, which
-- sets deleted_at and frees the name, waits for those that had begun. A server that does not know the column keeps to
-- deleted_at.
ALTER TABLE datasets ADD COLUMN writable boolean NOT NULL DEFAULT true;
