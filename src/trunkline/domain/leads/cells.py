"""How much of a list's row is read, whatever kind of file the list is."""

from __future__ import annotations

MOST_COLUMNS = 200
LONGEST_CELL = 32_767
"""Characters, as Excel has it."""
