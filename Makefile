# Short names for the scripts; `make help` lists them.
.PHONY: help run test bench lint format docs ci

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST)

run: ## Build a release and start a server with a database of its own
	scripts/run

test: ## Build and run every test
	scripts/test

bench: ## Measure against the references; NAMES="PredictionBenchmarks …" for some
	scripts/bench $(NAMES)

lint: ## Check the format of the Swift sources
	swift format lint --strict --recursive --parallel Sources Tests Benchmarks Package.swift

format: ## Format the Swift sources in place
	swift format --in-place --recursive --parallel Sources Tests Benchmarks Package.swift

docs: ## Build the API documentation of the libraries and check the links between the documents
	scripts/docs
	scripts/lib/check-links

ci: ## Run what must pass before a change goes in
	.ci/run
