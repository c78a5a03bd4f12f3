-- One row of a batch of labels without keys, as it is sent: an array of these is a parameter of the statement that
-- stores them. Never change it: add another type instead, since servers of two versions may run at once.
CREATE TYPE label_row AS (label boolean, numbers double precision[], categories text[]);
