-- migrate: compatible-with 0013_bounds
-- What lists show of a model beside its KPIs, so that they need not read the model itself.

-- Whether the fit came within its tolerance; NULL in models of a server that does not know the column, until the maintenance
-- of one that does fills it.
ALTER TABLE models ADD COLUMN converged boolean;
