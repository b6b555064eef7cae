"""Sentences of our own, by language: the carrier's voice or the agent speaks them for us."""

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

LEAVE_A_MESSAGE = {
    "en": "All our lines are busy right now. Please leave a message after the tone.",
    "he": "כל הקווים שלנו תפוסים כרגע. אפשר להשאיר הודעה אחרי הצליל.",
}

WE_CALL_BACK = {
    "en": "All our lines are busy right now. We will call you back in a few minutes. Goodbye.",
    "he": "כל הקווים שלנו תפוסים כרגע. נתקשר אליכם בעוד כמה דקות. להתראות.",
}

BACK_AGAIN = {
    "en": "Thank you for waiting. Let us go on.",
    "he": "תודה על ההמתנה. אפשר להמשיך.",
}
"""What the agent says when a caller comes back to it."""

NOBODY_THERE = {
    "en": "I am sorry, nobody could take your call just now. I am still here for you.",
    "he": "מצטערים, אף אחד לא יכול היה לענות כרגע. אני עדיין כאן בשבילך.",
}
"""The same, when it had handed the call on and nobody took it."""

FAREWELL = {
    "en": "I am sorry, I have to end this call now. Thank you, and goodbye.",
    "he": "מצטערים, השיחה צריכה להסתיים עכשיו. תודה ולהתראות.",
}
"""Before a call is ended for its length, or because its process has to stop."""

APOLOGY = {
    "en": "I am sorry, I cannot go on with this call. Please call again.",
    "he": "אני מצטערת, אינני יכולה להמשיך בשיחה. אנא התקשרו שוב.",
}
"""By the process's own voice, where an agent's brain can not go on."""

NOT_DONE = {
    "en": "I am sorry, that did not work just now, and nothing has been done. I can try once more.",
    "he": "מצטערים, זה לא הצליח כרגע, ושום דבר לא בוצע. אפשר לנסות שוב.",
}
"""What the agent tells of a tool that broke or took too long."""
