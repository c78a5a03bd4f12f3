-- How many jobs of a tenant run at a time, where that is not the queue's own limit. As for jobs, no foreign keys.
CREATE TABLE job_limits (
  tenant_id int PRIMARY KEY,
  running   int NOT NULL CHECK (running >= 0)
);
ALTER TABLE job_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_limits FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON job_limits
  USING (
    tenant_id = (SELECT nullif(current_setting('verdict.tenant', true), '')::int)
    OR (SELECT current_setting('jobqueue.worker', true)) = 'on');
GRANT SELECT, INSERT, UPDATE, DELETE ON job_limits TO verdict_app;
