"""Floor 5: the recurring jobs, all of them in one table.

What firing, missing and standing mean is `core.recurring`'s; here is only which job recurs, when, and
what becomes of its ticks when no scheduler was there. A later domain adds a line, with its reason.
"""

from __future__ import annotations

from datetime import time, timedelta

from trunkline.core.recurring.rules import Daily, Every
from trunkline.core.recurring.service import Recurring, fire_due, install_recurring
from trunkline.core.settings import QUEUES

__all__ = ["RECURRING", "fire_due", "install"]

RECURRING = (
    # Latest: it looks at what is due, and what was due a while ago is still sent where it is of use.
    Recurring("appointment_automations", "default", Every(timedelta(minutes=1))),
    # Latest: it looks at which links are old, so one run makes up for any number of ticks.
    Recurring("clear_links", "maintenance", Daily(time(3), "UTC")),
    # Latest: it looks at which conversations have rested, so one run makes up for any number of ticks.
    Recurring("close_chat_sessions", "default", Every(timedelta(seconds=30))),
    # Latest: it looks at what is overdue; a message whose job was lost waits until it has run.
    Recurring("tend_messages", "default", Every(timedelta(seconds=30))),
    # Latest: it looks at what has happened since it last counted. Until it has run, what it would have
    # counted is counted whenever figures are asked for.
    Recurring("roll_up_calls", "maintenance", Every(timedelta(minutes=10))),
    # Latest: it looks at what is coming, and tells what has not been told; a reminder that was missed for
    # a later one, or that came to nothing meanwhile, is not made up for.
    Recurring("send_reminder_notifications", "default", Every(timedelta(minutes=1))),
    # Latest: it looks at how old what people were told is, so one run makes up for any number of ticks.
    Recurring("clear_notifications", "maintenance", Daily(time(3, 30), "UTC")),
    # Latest: it looks at what is new. A word that nobody has used before is found as it is typed at once, and
    # by its beginning or with a slip once this has run.
    Recurring("tend_search", "maintenance", Every(timedelta(minutes=1))),
    # Latest: it looks at which fences are old, so one run makes up for any number of ticks; and until
    # it has run, people whose fence should be down cannot be called.
    Recurring("tend_businesses", "maintenance", Every(timedelta(minutes=10))),
    # Latest: it looks at what is out of date now. Until it has run, calls put together on the spot what they
    # begin with, and knowledge is found by its words.
    Recurring("warmup_agents", "low", Every(timedelta(minutes=10))),
)


def install() -> None:
    """Register the table in this process. Raises StartRefused where an entry names what there is not."""
    install_recurring(RECURRING, queues=QUEUES)
