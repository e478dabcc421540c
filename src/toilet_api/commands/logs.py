"""What processes write to standard error: one line an event, without personal data."""

import logging
import os


def configure_logging() -> None:
    """Log to standard error from LOG_LEVEL (WARNING) upward."""
    level = os.environ.get("LOG_LEVEL", "WARNING").upper()
    known = level if level in logging.getLevelNamesMapping() else "WARNING"
    logging.basicConfig(level=known, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    # Arguments of jobs and statements stay out of the log even where someone looks closely.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
