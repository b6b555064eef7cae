"""The keypad: single keys collected to an entry.

Owns what completes an entry: enough digits, `#`, or a pause. Pure; it is told what time it is.
"""

from __future__ import annotations


class Keypad:
    """One call's keys. An entry is open from its first key until it is submitted or cleared."""

    def __init__(self, *, pause_s: float) -> None:
        self._pause_s = pause_s
        self._wanted = 0
        self._keys = ""
        self._last_at = 0.0

    @property
    def offered(self) -> bool:
        """True where a key is an answer."""
        return self._wanted > 0

    @property
    def open(self) -> bool:
        """True while an entry is being typed."""
        return bool(self._keys)

    def offer(self, digits: int) -> None:
        """Begin a question that takes up to this many digits; 0 takes none."""
        self._wanted = digits
        self._keys = ""

    def press(self, key: str, now: float) -> str | None:
        """Take a key; return the entry if this completes it. `#` submits, `*` starts over."""
        if not self._wanted:
            return None
        self._last_at = now
        if key == "*":
            self._keys = ""
            return None
        if key == "#":
            return self._submit() if self._keys else None
        self._keys += key
        return self._submit() if len(self._keys) >= self._wanted else None

    def tick(self, now: float) -> str | None:
        """Return the entry if the caller has paused long enough after a key."""
        if self._keys and now - self._last_at >= self._pause_s:
            return self._submit()
        return None

    def _submit(self) -> str:
        entry, self._keys = self._keys, ""
        return entry
