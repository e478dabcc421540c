"""A ledger from file to judged rows: format, sheets, header, cells by named rules. Knows nothing of the register."""
