"""Rectification 整改: plans, tasks, acceptance, close-out 销号."""
