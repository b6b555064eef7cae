"""Callers with a plan: they say, wait, interrupt, key, hum, hang up or drop off, by a script or a model.

They live at numbers of the local carrier, speak and hear audio alone, and measure what reaches their
ear. Knows nothing of the product but its voice.
"""

from trunkline.simulators.callers.caller import Caller
from trunkline.simulators.callers.ear_watch import EarFigures
from trunkline.simulators.callers.plan import (
    CallerAnswer,
    CallerPlan,
    CallerStep,
    Deed,
    Line,
    NoiseKind,
)

__all__ = ["Caller", "CallerAnswer", "CallerPlan", "CallerStep", "Deed", "EarFigures", "Line", "NoiseKind"]
