"""A synthetic county on the real division tree, to try the product on. Every person in it is made up."""

from toilet_api.demonstration.county import DemonstrationRefusedError, load

__all__ = ["DemonstrationRefusedError", "load"]
