"""The tests."""

import gc

# Until fixtures.py has loaded everything, which stays for good: to look through it at each step takes a third as long.
gc.disable()
