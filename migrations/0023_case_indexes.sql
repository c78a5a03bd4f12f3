-- migrate: compatible-with 0013_bounds
-- migrate: no-transaction
-- For the rows of one case or of one person, which are few among many. Writers go on meanwhile; an index that an interrupted attempt
-- left behind is invalid and made anew.
DROP INDEX CONCURRENTLY IF EXISTS labels_reference;
-- migrate: statement
CREATE INDEX CONCURRENTLY labels_reference ON labels (tenant_id, dataset_id, reference) WHERE reference IS NOT NULL;
-- migrate: statement
DROP INDEX CONCURRENTLY IF EXISTS labels_group;
-- migrate: statement
CREATE INDEX CONCURRENTLY labels_group ON labels (tenant_id, dataset_id, group_name) WHERE group_name IS NOT NULL;
-- migrate: statement
DROP INDEX CONCURRENTLY IF EXISTS predictions_reference;
-- migrate: statement
CREATE INDEX CONCURRENTLY predictions_reference ON predictions (tenant_id, dataset_id, reference) WHERE reference IS NOT NULL;
-- migrate: statement
DROP INDEX CONCURRENTLY IF EXISTS predictions_group;
-- migrate: statement
CREATE INDEX CONCURRENTLY predictions_group ON predictions (tenant_id, dataset_id, group_name) WHERE group_name IS NOT NULL;
