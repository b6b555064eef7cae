"""Whether a page fits its window: what sticks out of it sideways can be neither read nor reached by touch."""

from __future__ import annotations

from playwright.sync_api import Page

_LOOK = """
() => {
  const wide = document.documentElement.clientWidth;
  // What scrolls or hides what is too wide keeps it, as long as it fits itself.
  const kept = (one) => {
    for (let box = one.parentElement; box && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== "visible") return true;
    }
    return false;
  };
  const named = (one) => {
    const words = (one.textContent ?? "").trim().slice(0, 40);
    return `${one.tagName.toLowerCase()}.${one.getAttribute("class") ?? ""} "${words}"`;
  };
  const out = [...document.body.querySelectorAll("*")].filter((one) => {
    const { left, right, width, height } = one.getBoundingClientRect();
    if (width < 2 || height < 2) return false;
    return (right > wide + 1 || left < -1) && !kept(one) && one.checkVisibility({ visibilityProperty: true });
  });
  // What holds a thing that sticks out does so too: the innermost is the fault.
  const innermost = out.filter((one) => !out.some((other) => other !== one && one.contains(other)));
  return innermost.slice(0, 4).map(named);
}
"""


def parts_that_stick_out(page: Page) -> list[str]:
    """Return what reaches beyond the window's sides, each by its tag, classes and first words."""
    found: list[str] = page.evaluate(_LOOK)
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("the page scrolls sideways")
    return found
