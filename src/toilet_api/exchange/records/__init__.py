"""Imports of visits, problems, close-outs, users and divisions: each row by its room's own function."""
