-- migrate: compatible-with 0013_bounds
-- The smallest number of training rows behind a value of a model's term that is shown. Bins with fewer rows are shown merged.
ALTER TABLE datasets ADD COLUMN min_bin_rows int NOT NULL DEFAULT 5;
