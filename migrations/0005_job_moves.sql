-- What a job has been through, so that it can be shown, and followed without a gap.

-- Goes up with every move and with every stored progress: the id of the job's newest event.
ALTER TABLE jobs ADD COLUMN event bigint NOT NULL DEFAULT 1;
-- [{event, state, attempt, at}]: the moves that led here, oldest first, the last hundred of them; at in seconds since 1970.
ALTER TABLE jobs ADD COLUMN moves jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN jobs.failures IS '[{attempt, type, detail, at}]: why each attempt that failed did; at in seconds since 1970';
