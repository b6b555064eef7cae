"""Floor 5: who writes for an agent, and who reads what was written, by its brain's name.

An agent that speaks by a model of its own voice writes by the same provider's model of text; a scripted one
follows its dialogue, and whatever model there is reads for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from trunkline.brains import models_of, patient_model
from trunkline.core import registry
from trunkline.core.settings import Settings
from trunkline.own_voices import GEMINI_LIVE, OPENAI_REALTIME
from trunkline.providers.model_writer import ModelWriter
from trunkline.providers.ports import Reader, Writer
from trunkline.providers.scripted import ScriptedWriter

_TEXT_OF = {OPENAI_REALTIME: "openai", GEMINI_LIVE: "gemini"}


def register_writers(settings: Settings) -> None:
    """Tell the registry who writes and reads here."""
    registry.register_writing(partial(_writer, settings), partial(_reader, settings))


def _writer(settings: Settings, brain: str, keys: Mapping[str, str]) -> Writer | None:
    if registry.brain_kind(brain) == "scripted":
        return ScriptedWriter()
    return _model(settings, brain, keys)


def _reader(settings: Settings, brain: str, keys: Mapping[str, str]) -> Reader | None:
    return _model(settings, brain, keys, any_other=True)


def _model(
    settings: Settings, brain: str, keys: Mapping[str, str], *, any_other: bool = False
) -> ModelWriter | None:
    # It brings the speech of calls with it, which a worker that answers nobody never needs.
    from trunkline.own_keys import with_keys  # noqa: PLC0415

    theirs, _ = with_keys(settings, keys)
    there = models_of(theirs)
    name = _TEXT_OF.get(brain, brain)
    if name not in there:
        if not (any_other and there):
            return None
        name = next(iter(there))
    return ModelWriter(partial(patient_model, name, theirs))
