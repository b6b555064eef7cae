"""Models in a row: the next takes over where one fails or stalls, also in the midst of an answer.

Owns the patience with each, the cool-down of one that failed, and the seam between two: what has gone out
stays, and the next goes on behind it. Refuses to know what a conversation is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from trunkline.providers.model_brain.seam import Seam
from trunkline.providers.ports import LanguageModel, Message, ModelFailed, TellFailure, ToolCall, ToolSpec
from trunkline.providers.streams import closing

_GO_ON = (
    "You had begun to answer and were cut off. This beginning has been spoken already:\n«{begun}»\n"
    "Write only what comes after it, as if you had never stopped. If nothing is missing, write nothing."
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a model may take, in seconds."""

    first_s: float = 3.5
    """To the first sign of an answer: text, a tool, or the beginning of a tool's arguments."""
    between_s: float = 3.0
    """From one sign to the next."""
    cool_down_s: float = 30.0
    """How long a model that failed is left out while others are there."""


class FallbackModel:
    """A `LanguageModel` made of several, in order of preference; failures are told by their names."""

    def __init__(
        self,
        models: Sequence[tuple[str, LanguageModel]],
        patience: Patience | None = None,
        *,
        on_failure: TellFailure | None = None,
    ) -> None:
        if not models:
            raise ValueError("there is no model to ask")
        self._models = list(models)
        self._patience = patience or Patience()
        self._on_failure = on_failure
        self._resting_until: dict[str, float] = {}

    async def answer(
        self, instructions: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncIterator[str | ToolCall]:
        """Yield one answer, whoever gives it. Raises ModelFailed, naming every failure, when nobody can.

        Tools come behind all text, once the answer is whole: those of one that broke off are not asked for.
        """
        begun = ""
        failures: list[str] = []
        order = self._in_order()
        for at, (name, model) in enumerate(order, 1):
            asked = (
                f"{instructions}\n\n{_GO_ON.format(begun=begun.strip())}" if begun.strip() else instructions
            )
            seam = Seam(begun)
            calls: list[ToolCall] = []
            try:
                async with aclosing(self._timely(model.answer(asked, messages, tools))) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, ToolCall):
                            calls.append(piece)
                        elif text := seam.feed(piece):
                            begun += text
                            yield text
            except ModelFailed as failure:
                if self._on_failure is not None:
                    self._on_failure(name, str(failure), order[at][0] if at < len(order) else "")
                failures.append(f"{name}: {failure}")
                self._resting_until[name] = _now() + self._patience.cool_down_s
                continue
            if text := seam.flush():
                yield text
            for call in calls:
                yield call
            return
        raise ModelFailed("; ".join(failures))

    async def close(self) -> None:
        """Close every model."""
        for _, model in self._models:
            await model.close()

    def _in_order(self) -> list[tuple[str, LanguageModel]]:
        """Return whom to ask: first those that are not resting, then, rather than nobody, the others."""
        now = _now()
        return sorted(self._models, key=lambda entry: self._resting_until.get(entry[0], 0.0) > now)

    async def _timely(self, answer: AsyncIterator[str | ToolCall]) -> AsyncGenerator[str | ToolCall, None]:
        limit_s = self._patience.first_s
        async with closing(answer):
            while True:
                try:
                    async with asyncio.timeout(limit_s):
                        piece = await anext(answer)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise ModelFailed(f"silent for {limit_s:g} s") from error
                limit_s = self._patience.between_s
                yield piece


def _now() -> float:
    return asyncio.get_running_loop().time()
