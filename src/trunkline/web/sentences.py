"""Sentences that the carrier's own voice speaks for us, by language."""

from __future__ import annotations

FULL_LINE = {
    "en": "All our lines are busy right now. Please call again in a few minutes.",
    "he": "כל הקווים שלנו תפוסים כרגע. אנא התקשרו שוב בעוד כמה דקות.",
}

NO_LINE_LEFT = {
    "en": "We are sorry, we called you and have no free line now. Goodbye.",
    "he": "סליחה, התקשרנו אליכם ואין לנו כרגע קו פנוי. להתראות.",
}
"""For somebody whom we have called. It promises nothing: the run decides whether they are called again."""
