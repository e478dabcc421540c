"""The tree of places: its codes, how it changes, and how every record follows."""
