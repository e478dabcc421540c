"""What every room stands on. It knows nothing of toilets."""
