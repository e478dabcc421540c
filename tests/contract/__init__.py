"""The contract: the document, and whether the answers keep it."""
