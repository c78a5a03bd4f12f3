-- migrate: compatible-with 0013_bounds
-- Warnings of a model whose kinds a server of the version before cannot read, beside those in models.warnings.
ALTER TABLE models ADD COLUMN later_warnings jsonb;
