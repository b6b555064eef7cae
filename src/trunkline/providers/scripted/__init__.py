"""The brain that needs no account: dialogues as data, performed by a pure state machine.

`ScriptedBrain` is the port, `ScriptedWriter` the one of written conversations; `ready_made(name)` returns a
dialogue that comes with the package:
`appointment` for calls to leads, `appointment_inbound` for calls that come in, and `reception` for such calls
in which what was booked is also moved or cancelled, or somebody asks for a person.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from trunkline.providers.scripted.brain import ScriptedBrain, ScriptedConversation
from trunkline.providers.scripted.written import ScriptedWriter

READY_MADE = ("appointment", "appointment_inbound", "reception")
"""Names of the dialogues in the package."""


def ready_made(name: str) -> dict[str, Any]:
    """Return a packaged dialogue as JSON data. Raises KeyError for a name that is not in READY_MADE."""
    if name not in READY_MADE:
        raise KeyError(name)
    text = resources.files(__name__).joinpath("dialogues", f"{name}.json").read_text("utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


__all__ = ["READY_MADE", "ScriptedBrain", "ScriptedConversation", "ScriptedWriter", "ready_made"]
