"""Every page of the dashboard that is photographed, looked at by axe, and tried with another business's ids.

A feature adds its routes here. `{call_id}` and its like stand for what `Inhabitant.ids` has
(isolation/population.py); a test compares this list with the routes that the features name.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Who(enum.Enum):
    """As whom a page is looked at."""

    NOBODY = "nobody"
    OWNER = "owner"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Place:
    """A page by its name and its path."""

    name: str
    path: str
    who: Who = Who.OWNER


PLACES = (
    Place("sign-in", "/", Who.NOBODY),
    Place("choose-business", "/", Who.ADMIN),
    Place("nowhere", "/nowhere"),
    Place("runs", "/runs"),
    Place("new-run", "/runs/new"),
    Place("run", "/runs/{run_id}"),
    Place("run-dials", "/runs/{run_id}?tab=dials"),
    Place("run-settings", "/runs/{run_id}?tab=options"),
    Place("run-lead", "/runs/{run_id}?lead={item_id}"),
    Place("lists", "/lists"),
    Place("import", "/lists/import"),
    Place("one-import", "/lists/imports/{import_id}"),
    Place("do-not-call", "/do-not-call"),
    Place("calling-hours", "/calling-hours"),
    Place("compliance", "/compliance"),
    Place("calls", "/calls"),
    Place("call", "/calls/{call_id}"),
    Place("forgotten", "/forgotten", Who.NOBODY),
    Place("new-password", "/new-password", Who.NOBODY),
    Place("invitation", "/invitation", Who.NOBODY),
    Place("settings", "/settings"),
    Place("settings-calling", "/settings/calling"),
    Place("settings-people", "/settings/people"),
    Place("settings-numbers", "/settings/numbers"),
    Place("settings-messaging", "/settings/messaging"),
    Place("settings-fields", "/settings/fields"),
    Place("settings-transfers", "/settings/transfers"),
    Place("settings-statuses", "/settings/statuses"),
    Place("settings-webhooks", "/settings/webhooks"),
    Place("settings-keys", "/settings/keys"),
    Place("account", "/account"),
    Place("tasks", "/tasks"),
    Place("tasks-board", "/tasks?look=board"),
    Place("task", "/tasks/{task_id}"),
    Place("notifications", "/notifications"),
    Place("notification-settings", "/notifications/settings"),
    Place("agents", "/agents"),
    Place("new-agent", "/agents/new"),
    Place("agent", "/agents/{agent_id}"),
    Place("agent-script", "/agents/{agent_id}?tab=script"),
    Place("agent-answers", "/agents/{agent_id}?tab=script&view=answers"),
    Place("agent-knowledge", "/agents/{agent_id}?tab=knowledge"),
    Place("agent-versions", "/agents/{agent_id}?tab=versions&version=2"),
    Place("agent-talk", "/agents/{agent_id}?tab=talk"),
    Place("overview", "/overview"),
    Place("jobs", "/jobs"),
    Place("jobs-dead", "/jobs?state=failed"),
    Place("job", "/jobs/{job_id}"),
    Place("system", "/system", Who.ADMIN),
    Place("system-jobs", "/system/jobs", Who.ADMIN),
    Place("system-job", "/system/jobs/{system_job_id}", Who.ADMIN),
    Place("businesses", "/system/businesses", Who.ADMIN),
    Place("usage", "/system/usage", Who.ADMIN),
    Place("never-called", "/system/suppressions", Who.ADMIN),
    Place("leads", "/leads"),
    Place("leads-board", "/leads/board"),
    Place("lead", "/leads/{lead_id}"),
    Place("lead-merge", "/leads/{lead_id}?merge={other_id}"),
    Place("appointments", "/appointments"),
    Place("inbox", "/inbox"),
    Place("inbox-conversation", "/inbox?conversation={conversation_id}"),
    Place("inbox-replies", "/inbox/replies"),
    Place("search", "/search?q=lead"),
    Place("reports", "/reports"),
    Place("reports-by-agent", "/reports?by=agent"),
    Place("calendars", "/appointments/calendars"),
    Place("reminders", "/appointments/automations"),
    Place("my-appointment", "/appointment", Who.NOBODY),
)
