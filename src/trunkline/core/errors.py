"""Errors with a name, a status and a code. Raised where the fact is known, rendered by the web floor."""

from __future__ import annotations

from typing import Any, ClassVar


class TrunklineError(Exception):
    """Base of every error that a caller may see. `data` holds facts that a client can act on."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class InvalidInput(TrunklineError):
    """What was sent cannot be used; the message says what and why."""

    status = 422
    code = "invalid_input"


class NotSignedIn(TrunklineError):
    """No session, or one that has ended."""

    status = 401
    code = "not_signed_in"


class Forbidden(TrunklineError):
    """Known to exist, not allowed; `reason` is `no_business` or `insufficient_role`."""

    status = 403
    code = "forbidden"


class NotFound(TrunklineError):
    """No such thing in this business. Another tenant's things are not found either."""

    status = 404
    code = "not_found"


class Conflict(TrunklineError):
    """The state of things does not allow it now."""

    status = 409
    code = "conflict"


class RunAlreadyActive(Conflict):
    """The run, or another one of the same list, is active; `run_id` names it."""

    code = "run_already_active"


class SlotTaken(Conflict):
    """Another appointment holds this time."""

    code = "slot_taken"


class Outdated(Conflict):
    """It was changed since it was read; `version` is what stands, `by` who saved it."""

    code = "outdated"

    def __init__(self, message: str = "Somebody else has changed this meanwhile.", **data: Any) -> None:
        super().__init__(message, **data)


class OtherBusiness(Conflict):
    """The session is another person's, or in another business, than the page that asks believes."""

    code = "other_business"


class TooLarge(TrunklineError):
    """More was sent than is taken here; `most_bytes` says how much is."""

    status = 413
    code = "too_large"


class TooManyRequests(TrunklineError):
    """Slow down; `retry_after_s` says for how long."""

    status = 429
    code = "too_many_requests"


class NotReady(TrunklineError):
    """This process cannot serve yet: the database is missing, unmigrated or has the wrong role."""

    status = 503
    code = "not_ready"


class StartRefused(Exception):
    """A process may not start like this. The message is one sentence for the person at the terminal."""
