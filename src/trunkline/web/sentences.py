"""Sentences that the carrier's own voice speaks for us, by language."""

from __future__ import annotations

FULL_LINE = {
    "en": "All our lines are busy right now. Please call again in a few minutes.",
    "he": "כל הקווים שלנו תפוסים כרגע. אנא התקשרו שוב בעוד כמה דקות.",
}
