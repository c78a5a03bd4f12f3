-- One stored answer, as it is sent: an array of these is a parameter of the statement that stores them. Never change it:
-- add another type instead, since servers of two versions may run at once.
CREATE TYPE prediction_row AS (
  id uuid, label boolean, probability double precision, numbers double precision[], categories text[], warnings jsonb
);
