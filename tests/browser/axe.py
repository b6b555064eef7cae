"""Whether a page can be used by everybody, as axe-core finds out: what is serious or critical is a fault."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
_LOOK = """
async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, help, nodes }) => nodes.slice(0, 4).map((node) =>
      `${id}: ${help}: ${node.target.join(" ")} ${node.any.map(({ message }) => message).join("; ")}`));
}
"""


@cache
def _source() -> str:
    if not _AXE.is_file():
        pytest.fail("axe is one of the dashboard's packages: make dashboard", pytrace=False)
    return _AXE.read_text("utf-8")


def serious_faults(page: Page) -> list[str]:
    """Return the page's serious and critical faults, each with the part that has it."""
    page.evaluate(_source())
    found: list[str] = page.evaluate(_LOOK)
    return found
