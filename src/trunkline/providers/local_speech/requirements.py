"""What local speech needs installed, found without importing any of it.

Importing is left to the helpers: merely importing a binding may load a library that must stay
out of our process.
"""

from __future__ import annotations

import importlib.util


class LocalSpeechUnavailable(Exception):
    """A package of the `local-speech` extra is missing from this Python."""


def require(*packages: str) -> None:
    """Raise LocalSpeechUnavailable, naming what to install, unless all packages can be found."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise LocalSpeechUnavailable(
            f"local speech needs {', '.join(missing)}: pip install 'trunkline[local-speech]'"
        )
