-- migrate: compatible-with 0013_bounds
-- The dataset that a kept answer is about, so that no other dataset of the same name is answered with it.

-- NULL for an answer about no dataset, and in answers of a server that does not know the column.
ALTER TABLE idempotency_keys ADD COLUMN dataset_id bigint;
