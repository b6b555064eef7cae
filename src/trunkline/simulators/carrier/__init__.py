"""The local carrier: Twilio's wire protocol and a town of simulated people, in a process of its own.

`main(CarrierOptions(...))` runs it; `serving(...)` serves it on a running loop, for tests.
"""

from trunkline.simulators.carrier.options import CarrierOptions, InboundPlan, Number, read_people_file
from trunkline.simulators.carrier.people.personas import Person, Persona, demo_population
from trunkline.simulators.carrier.server import RunningCarrier, main, run, serving

__all__ = [
    "CarrierOptions",
    "InboundPlan",
    "Number",
    "Person",
    "Persona",
    "RunningCarrier",
    "demo_population",
    "main",
    "read_people_file",
    "run",
    "serving",
]
