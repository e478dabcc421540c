"""Oversight 复核与抽查: reviews, spot checks, falsification, the summary of a campaign."""
