"""Several brains in a row: when one can not go on, the next takes the call over where it stands."""

from trunkline.providers.brain_fallback.brain import FallbackBrain, FallbackOptions

__all__ = ["FallbackBrain", "FallbackOptions"]
