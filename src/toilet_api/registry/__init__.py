"""Households (农户) and toilets (户厕). Every household is recorded, also one without a toilet, empty or demolished."""
