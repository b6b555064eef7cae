"""How the local carrier refuses a request, as Twilio does, and whom it lets in."""

from __future__ import annotations

import base64
import binascii
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trunkline.providers.twilio.wire import ErrorCode
from trunkline.simulators.carrier.options import CarrierOptions


class Refusal(Exception):
    """A request that Twilio answers with an error; `code` is Twilio's, `status` HTTP's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def authenticate(options: CarrierOptions, request: Request) -> None:
    """Raises Refusal for whoever is not the account that is asked about."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    try:
        sid, _, token = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        sid = token = ""
    known = secrets.compare_digest(token.encode(), options.auth_token.encode())
    owner = sid == options.account_sid == request.path_params["account"]
    if scheme.lower() != "basic" or not known or not owner:
        raise Refusal(401, ErrorCode.AUTHENTICATION, "Authenticate")


async def refused(_: Request, refusal: Exception) -> Response:
    """Exception handler that writes a Refusal as Twilio does."""
    if not isinstance(refusal, Refusal):
        raise refusal
    return error(refusal.status, refusal.code, str(refusal))


def error(status: int, code: int, message: str) -> JSONResponse:
    """Return an error as Twilio writes it."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": message, "more_info": more, "status": status}, status)
