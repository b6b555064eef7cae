"""The server's terms in the words of a language, for files that people open.

The dashboard says them in the same words (dashboard/src/locales/he/runs.json); a test holds the two to each
other. In English a file has the terms themselves, which programs read too.
"""

from __future__ import annotations

_HEBREW: dict[str, dict[str, str]] = {
    "item_state": {
        "queued": "ממתין",
        "dialling": "בחיוג",
        "in_call": "בשיחה",
        "wrap_up": "השיחה נרשמת",
        "retry_wait": "ממתין למועדו",
        "completed": "הושלם",
        "failed": "לא הושג",
        "cancelled": "בוטל",
        "unknown": "לא ידוע אם צלצל",
    },
    "disposition": {
        "booked": "נקבעה פגישה",
        "callback_requested": "ביקש שיחה מאוחר יותר",
        "declined": "סירב",
        "opted_out": "ביקש שלא להתקשר עוד",
        "no_response": "אין תגובה",
        "not_understood": "לא הובן",
        "voicemail": "תא קולי",
        "answered": "נענתה",
        "busy": "תפוס",
        "no_answer": "אין מענה",
        "failed": "נכשלה",
        "cancelled": "בוטלה",
        "cut_off": "נקטעה אצלנו",
        "our_fault": "תקלה בצד שלנו",
        "no_conversation": "לא הייתה שיחה",
        "rejected_capacity": "כל הקווים היו תפוסים",
        "refused": "נדחתה אצל ספק הטלפוניה",
        "suppressed": "ברשימת ״אין להתקשר״",
        "lost": "לא ידוע",
        "no_consent": "אין הסכמה לשיחות",
        "attempts_in_all": "חויג ככל שמותר",
        "no_calling_hours": "אין שעה שמותר להתקשר בה",
        "too_late": "עבר המועד",
        "lead_deleted": "הליד נמחק",
        "cause_gone": "הסיבה לשיחה כבר אינה קיימת",
        "unknown": "לא ידוע",
        "transferred": "הועברה לעמית",
    },
    "waits_for": {
        "calling_hours": "שעות החיוג",
        "attempts_per_day": "מכסת החיוגים היומית נוצלה",
        "minimum_gap": "התקשרו לפני זמן קצר",
        "fence": "שיחה אחרת אל המספר",
        "retry": "ניסיון נוסף",
        "callback": "ביקש שיתקשרו אז",
    },
}

LANGUAGES = {"he": _HEBREW}
"""Language -> family of terms -> term -> word."""


def word(family: str, term: str | None, language: str) -> str | None:
    """Return the word for a term; the term itself where the language has none."""
    return term and LANGUAGES.get(language, {}).get(family, {}).get(term, term)
