"""A synthetic county on the real division tree, to try the product on. Every person in it is made up."""

from toilet_api.demonstration.county import load
from toilet_api.demonstration.places import DemonstrationRefusedError

__all__ = ["DemonstrationRefusedError", "load"]
