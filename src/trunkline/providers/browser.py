"""The browser as a carrier: somebody of the business talks to an agent from the page.

Owns what this carrier can promise, which is next to nothing: the line is a socket to ourselves, so
nobody can be dialled, held, handed on or asked about, and what nobody asks for has no answer. A live
call can be ended: whoever holds its socket reads that from its row. Refuses to know the socket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from trunkline.providers.ports import (
    Answer,
    CallOrder,
    CarrierCall,
    CarrierCapabilities,
    CarrierRefused,
)

_NOTHING = Answer("", "text/plain")
"""A browser does not ask what to do next."""


class BrowserCarrier:
    """The carrier of calls from the page. Holds nothing; one serves all."""

    capabilities = CarrierCapabilities(idempotency_key=False, lists_calls=False, hangs_up=True, replies=False)

    def place_call(self, order: CallOrder) -> str:
        _refuse("nobody can be called")

    def find_calls(self, *, to: str, from_: str, since: datetime) -> Sequence[CarrierCall]:
        return ()

    def fetch_call(self, sid: str) -> CarrierCall | None:
        return None

    def hang_up(self, sid: str) -> None:
        """Nobody is to be told: the process that holds the call reads its row."""

    def redirect(self, sid: str, answer: Answer, *, key: UUID | None = None) -> None:
        _refuse("a call cannot go on elsewhere")

    def start_recording(self, sid: str, *, status_url: str) -> str:
        _refuse("nothing records a call")

    def stop_recording(self, sid: str, recording_sid: str) -> None:
        _refuse("nothing records a call")

    def stream_answer(
        self,
        *,
        url: str,
        parameters: Mapping[str, str],
        then_url: str = "",
        status_url: str = "",
        resumes: bool = False,
    ) -> Answer:
        _refuse("the page opens its socket by itself")

    def dial_answer(
        self, *, to: str, from_: str, ring_timeout_s: int, longest_s: int, then_url: str
    ) -> Answer:
        _refuse("nobody can be called")

    def digits_answer(self, *, digits: str, then_url: str) -> Answer:
        _refuse("there is nobody to send keys to")

    def hold_answer(self, *, music_url: str, then_url: str, times: int = 0) -> Answer:
        _refuse("a call cannot be held")

    def record_answer(
        self, *, text: str, language: str, longest_s: int, then_url: str, recording_url: str
    ) -> Answer:
        _refuse("nothing records a message")

    def conference_answer(
        self, *, name: str, begins: bool, ends: bool, music_url: str, then_url: str
    ) -> Answer:
        _refuse("there are no conferences")

    def ask_answer(self, *, text: str, language: str, digits: int, then_url: str) -> Answer:
        _refuse("it has no voice of its own")

    def say_answer(self, *, text: str, language: str) -> Answer:
        _refuse("it has no voice of its own")

    def reject_answer(self) -> Answer:
        return _NOTHING

    def hang_up_answer(self) -> Answer:
        return _NOTHING


def _refuse(why: str) -> NoReturn:
    raise CarrierRefused(f"In the browser {why}", code="not_there")
