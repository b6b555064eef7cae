"""The one error of this package, worded for whoever has to mend it."""

from __future__ import annotations


class EmbeddedUnavailable(Exception):
    """The embedded servers cannot be had. The message says why and what to do, in plain words."""
