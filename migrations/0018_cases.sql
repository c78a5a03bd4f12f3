-- migrate: compatible-with 0013_bounds
-- Who a row belongs to, when its case happened, and how much it counts.

-- NULL in rows from before, in rows of a server that does not know the columns, and where the client gave nothing: the case then
-- happened when the row came (created_at), belongs to nobody else, and counts once.
ALTER TABLE labels
  ADD COLUMN occurred_at timestamptz,
  ADD COLUMN group_name text,
  -- The client's own id of the case; several rows may have the same.
  ADD COLUMN reference text,
  ADD COLUMN weight double precision,
  -- The owner's choice: 'train' or 'validation'.
  ADD COLUMN split text;
ALTER TABLE predictions
  ADD COLUMN occurred_at timestamptz,
  ADD COLUMN group_name text,
  ADD COLUMN reference text;

-- The rows that have one of these columns, as they are sent (see label_row and prediction_row); the others need not pay for them.
CREATE TYPE label_case AS (
  label boolean, numbers double precision[], categories text[],
  occurred_at timestamptz, group_name text, reference text, weight double precision, split text
);
CREATE TYPE prediction_case AS (
  id uuid, label boolean, probability double precision, numbers double precision[], categories text[], warnings jsonb,
  occurred_at timestamptz, group_name text, reference text
);

-- The columns of the owner's CSV files: {reference, group, occurred_at, weight, split} by name. NULL for the default names.
ALTER TABLE datasets ADD COLUMN columns jsonb;
