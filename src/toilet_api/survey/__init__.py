"""Campaigns, visits on site, their verification upward, and the problem ledger (工作方案 四（二） 问题摸排)."""
