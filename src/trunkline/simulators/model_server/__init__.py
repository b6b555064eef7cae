"""What the stand-ins for language models have in common: planned answers, faults, and a real HTTP server.

A provider's wire (`simulators/openai`, `simulators/anthropic`, `simulators/gemini`) says how it is asked
and how it writes; the rest is here. `python -m trunkline.simulators.model_server openai` runs one as a
process of its own; `serving(wire, plan)` serves it on a running loop, for tests.
"""

from trunkline.simulators.model_server.plan import Answer, Asked, Fault, Plan, Tool
from trunkline.simulators.model_server.server import RunningModel, main, serving
from trunkline.simulators.model_server.wire import Refused, Wire

__all__ = [
    "Answer", "Asked", "Fault", "Plan", "Refused", "RunningModel", "Tool", "Wire", "main", "serving",
]  # fmt: skip
