"""Shared by the contract tests: the document, a client that checks every response against it, and invalid input."""
