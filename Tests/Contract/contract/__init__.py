"""What the tests of the contract share: the document, a client that checks every answer by it, and bad input."""
