"""Floor 5: the demo. The whole system with the local carrier and simulated people, and what came of it.

Everything happens through public doors: the people are imported as a CSV, runs are started over
HTTP, and the agents know of the wishes only what they hear. The carrier's own book is the judge.
"""

from trunkline.demo.show import DemoOptions, run

__all__ = ["DemoOptions", "run"]
