"""The model-driven brain on each provider's wire, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.model_servers import PROVIDERS, TOOLS, Served, served, until
from trunkline.providers.model_brain import (
    BrainOptions,
    FallbackModel,
    ModelBrain,
    ModelConversation,
    Patience,
)
from trunkline.providers.ports import (
    Act,
    BrainFailed,
    CallBrief,
    HangUp,
    Heard,
    InputKind,
    Line,
    Listen,
    Note,
    Say,
    ToolResult,
)
from trunkline.simulators.model_server import Answer, Fault, Tool

pytestmark = pytest.mark.hasty

BRIEF = CallBrief(
    call_id="7",
    direction="outbound",
    language="en",
    business_name="Oak Dental",
    greeting="Hello, this is Dana of {business_name}. Do you have a minute?",
    instructions="Offer {lead_name} an appointment.",
    script=None,
    tools=TOOLS,
    local_now=datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
    variables={"lead_name": "Noa"},
    disclosure="This is an automated call.",
)
OPTIONS = BrainOptions(filler_after_s=30, filler_again_s=30)
PATIENT = Patience(first_s=20, between_s=20, cool_down_s=60)
QUICK = replace(PATIENT, between_s=2)
OPENING = "This is an automated call. Hello, this is Dana of Oak Dental. Do you have a minute?"
LOOK = Tool("find_free_slots", {"weekday": "monday"})


@dataclass
class Desk:
    """A conversation, the servers behind it, and the tools it used."""

    servers: list[Served]
    conversation: ModelConversation
    used: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tool_s: float = 0.0
    result: ToolResult = field(default_factory=lambda: ToolResult(ok=True, data={"free": ["09:00"]}))

    @property
    def plan(self) -> Any:
        return self.servers[0].plan

    async def run_tool(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.used.append((name, dict(arguments)))
        await asyncio.sleep(self.tool_s)
        return self.result

    async def begin(self) -> list[Act]:
        return await acts_of(self.conversation.begin())

    async def hear(self, text: str, kind: InputKind = InputKind.SPEECH) -> list[Act]:
        return await acts_of(self.conversation.hear(Heard(kind, text)))

    def last_asked(self, server: int = 0) -> list[tuple[str, str]]:
        return list(self.servers[server].plan.asked[-1].messages)


async def acts_of(acts: AsyncIterator[Act]) -> list[Act]:
    return [act async for act in acts]


def said(acts: list[Act]) -> list[str]:
    return [act.text for act in acts if isinstance(act, Say)]


@asynccontextmanager
async def desk(
    *providers: str,
    brief: CallBrief = BRIEF,
    options: BrainOptions = OPTIONS,
    patience: Patience = PATIENT,
) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(served(provider)) for provider in providers]
        model = FallbackModel(
            [(f"{p} {n}", s.model) for n, (p, s) in enumerate(zip(providers, servers, strict=True))], patience
        )
        it = Desk(servers, None)  # type: ignore[arg-type]
        it.conversation = ModelBrain(model, options).open(brief, it.run_tool)
        yield it
        await it.conversation.close()
        await it.conversation.close()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_conversation(provider: str) -> None:
    async with desk(provider) as it:
        opening = await it.begin()
        assert said(opening) == [
            "This is an automated call.",
            "Hello, this is Dana of Oak Dental.",
            "Do you have a minute?",
        ]
        assert opening[-1] == Listen(None, 16)
        assert it.plan.asked == []
        it.plan.then("Great, Noa! Is **Monday** at 9:30 good for you?", "Fine. See you then.")
        answer = await it.hear("Yes, I have [a minute].")
        assert said(answer) == ["Great, Noa!", "Is Monday at 9:30 good for you?"]
        assert answer[-1] == Listen(None, 16)
        assert said(await it.hear("Yes.")) == ["Fine.", "See you then."]
        assert it.last_asked() == [
            ("user", "[The call is connected.]"),
            ("assistant", OPENING),
            ("user", "Yes, I have (a minute)."),
            ("assistant", "Great, Noa! Is Monday at 9:30 good for you?"),
            ("user", "Yes."),
        ]
        asked = it.plan.asked[0]
        for word in (
            "Oak Dental",
            "a call that you made",
            "English",
            "Monday, 02 March 2026, 10:00",
            "Offer Noa an",
        ):
            assert word in asked.instructions
        assert asked.tools == ("find_free_slots", "end_call", "set_disposition")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_tool_call(provider: str) -> None:
    async with desk(provider) as it:
        await it.begin()
        it.plan.then(Answer("Let me look.", (LOOK,)), "Nine is free.")
        assert said(await it.hear("What is free on Monday?")) == ["Let me look.", "Nine is free."]
        assert it.used == [("find_free_slots", {"weekday": "monday"})]
        assert it.last_asked()[-3:-1] == [("assistant", "Let me look."), ("asked", "find_free_slots")]
        role, result = it.last_asked()[-1]
        assert role == "tool"
        assert '"free": ["09:00"]' in result
        # A tool that fails is told in the same way.
        it.result = ToolResult(ok=False, data={"error": "timeout"})
        it.plan.then(Answer("", (LOOK,)), "Sorry, I cannot see that now.")
        assert said(await it.hear("And Tuesday?")) == ["Sorry, I cannot see that now."]
        assert '"error": "timeout"' in it.last_asked()[-1][1]
        assert it.plan.refused == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_interruption_leaves_what_was_heard(provider: str) -> None:
    async with desk(provider) as it:
        await it.begin()
        it.plan.then(
            Answer(
                "We open at eight. We close at six. On Fridays we close at noon, and",
                fault=Fault.STALL,
                after=99,
            )
        )
        acts = it.conversation.hear(Heard(InputKind.SPEECH, "When are you open?"))
        heard: list[Act] = []

        async def listen() -> None:
            async for act in acts:
                heard.append(act)

        reading = asyncio.ensure_future(listen())
        await until(lambda: len(heard) == 2)
        reading.cancel()
        await asyncio.wait([reading])
        await acts.aclose()  # type: ignore[attr-defined]
        await until(lambda: it.plan.abandoned == 1)
        it.conversation.interrupted("We open at eight. We close", played_ms=1500)
        it.plan.then("At six.")
        assert said(await it.hear("Sorry, when?")) == ["At six."]
        assert it.last_asked()[-3:] == [
            ("user", "When are you open?"),
            ("assistant", "We open at eight. We close"),
            ("user", "Sorry, when?"),
        ]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_tool_that_came_to_its_end_is_kept_whatever_was_heard(provider: str) -> None:
    async with desk(provider) as it:
        await it.begin()
        it.plan.then(Answer("Let me look.", (LOOK,)), Answer("Nine", fault=Fault.STALL, after=1))
        acts = it.conversation.hear(Heard(InputKind.SPEECH, "Monday?"))
        assert await anext(acts) == Say("Let me look.")
        reading = asyncio.ensure_future(anext(acts))
        await until(lambda: len(it.plan.asked) == 2)
        reading.cancel()
        await asyncio.wait([reading])
        it.conversation.interrupted("", played_ms=0)
        it.plan.then("Yes.")
        await it.hear("Hello?")
        assert [role for role, _ in it.last_asked()[2:]] == ["user", "asked", "tool", "user"]
        assert it.plan.refused == []


async def test_a_cancelled_tool_is_not_told_of() -> None:
    async with desk("openai") as it:
        await it.begin()
        it.tool_s = 60
        it.plan.then(Answer("Let me look.", (LOOK,)))
        acts = it.conversation.hear(Heard(InputKind.SPEECH, "Monday?"))
        assert await anext(acts) == Say("Let me look.")
        reading = asyncio.ensure_future(anext(acts))
        await until(lambda: bool(it.used))
        reading.cancel()
        await asyncio.wait([reading])
        it.conversation.interrupted("Let me", played_ms=200)
        it.plan.then("Yes.")
        await it.hear("Hello?")
        assert it.last_asked()[-2:] == [("assistant", "Let me"), ("user", "Hello?")]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.MUTE, Fault.STALL, Fault.BREAK_OFF, Fault.END_EARLY])
async def test_a_model_that_fails_or_stalls_is_told_when_nobody_is_left(provider: str, fault: Fault) -> None:
    patience = replace(QUICK, first_s=2) if fault is Fault.MUTE else QUICK
    async with desk(provider, patience=patience) as it:
        await it.begin()
        it.plan.then(Answer("First this. And then something else.", fault=fault, after=5))
        heard: list[Act] = []

        async def listen() -> None:
            async for act in it.conversation.hear(Heard(InputKind.SPEECH, "Well?")):
                heard.append(act)

        with pytest.raises(BrainFailed, match=provider):
            await listen()
        assert heard == ([Say("First this.")] if fault not in {Fault.ERROR, Fault.MUTE} else [])
        await until(lambda: it.plan.open == 0)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_next_model_goes_on_in_the_midst_of_a_sentence(provider: str) -> None:
    other = PROVIDERS[(PROVIDERS.index(provider) + 1) % len(PROVIDERS)]
    async with desk(provider, other, patience=QUICK) as it:
        await it.begin()
        it.plan.then(Answer("We open at eight. We close at half past six.", fault=Fault.STALL, after=7))
        it.servers[1].plan.then("We close at half past six. Does that help?")
        assert said(await it.hear("When are you open?")) == [
            "We open at eight.",
            "We close at half past six.",
            "Does that help?",
        ]
        told = it.servers[1].plan.asked[0]
        assert "«We open at eight. We»" in told.instructions
        assert list(told.messages) == it.last_asked()
        # The one that failed rests; the other goes on with the whole conversation.
        it.servers[1].plan.then("Goodbye, Noa.")
        assert said(await it.hear("Yes, thanks.")) == ["Goodbye, Noa."]
        assert len(it.plan.asked) == 1
        assert it.last_asked(1)[-2] == (
            "assistant",
            "We open at eight. We close at half past six. Does that help?",
        )


async def test_the_next_model_takes_over_with_the_tools_of_the_first() -> None:
    async with desk("gemini", "anthropic", "openai") as it:
        await it.begin()
        it.plan.then(Answer("", (LOOK,)), Answer("", fault=Fault.TOO_MANY))
        it.servers[1].plan.then(Answer("", (LOOK,), fault=Fault.END_EARLY, after=0))
        it.servers[2].plan.then("Nine is free.")
        assert said(await it.hear("Monday?")) == ["Nine is free."]
        assert it.used == [("find_free_slots", {"weekday": "monday"})]
        assert [role for role, _ in it.last_asked(2)[-2:]] == ["asked", "tool"]
        assert [plan.plan.refused for plan in it.servers] == [[], [], []]


async def test_a_model_that_failed_is_asked_again_after_its_rest_or_when_nobody_else_can() -> None:
    async with desk("openai", "openai", patience=replace(PATIENT, cool_down_s=2)) as it:
        await it.begin()
        it.plan.then(Answer("", fault=Fault.ERROR))
        assert said(await it.hear("One")) == ["You said: One"]
        assert said(await it.hear("Two")) == ["You said: Two"]
        assert [len(server.plan.asked) for server in it.servers] == [1, 2]
        it.servers[1].plan.then(Answer("", fault=Fault.ERROR))
        assert said(await it.hear("Three")) == ["You said: Three"]
        assert [len(server.plan.asked) for server in it.servers] == [2, 3]
        now = asyncio.get_running_loop().time
        rested_at = now() + 2
        await until(lambda: now() > rested_at)
        await it.hear("Four")
        assert [len(server.plan.asked) for server in it.servers] == [3, 3]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_end_of_a_call(provider: str) -> None:
    async with desk(provider) as it:
        await it.begin()
        noted = Tool("set_disposition", {"disposition": "Booked!", "confidence": 0.9})
        it.plan.then(Answer("You are booked. Goodbye!", (noted, Tool("end_call", {"reason": "All done"}))))
        assert await it.hear("Great.") == [
            Say("You are booked."),
            Say("Goodbye!"),
            Note("disposition", "booked", confidence=0.9),
            HangUp("all_done"),
        ]


async def test_a_call_is_not_ended_without_a_word() -> None:
    async with desk("openai", brief=replace(BRIEF, language="he")) as it:
        it.plan.then(Answer("", (Tool("end_call", {}),)))
        assert await it.hear("די") == [Say("להתראות."), HangUp("done")]


async def test_a_call_is_not_ended_before_a_tool_has_told_what_came_of_it() -> None:
    async with desk("openai") as it:
        it.plan.then(Answer("One moment.", (LOOK, Tool("end_call", {"reason": "done"}))), "Nine is free.")
        acts = await it.hear("Monday?")
        assert said(acts) == ["One moment.", "Nine is free."]
        assert acts[-1] == Listen(None, 16)
        assert '"too_early"' in it.last_asked()[-1][1]


async def test_a_disposition_alone_is_no_answer() -> None:
    async with desk("openai") as it:
        it.plan.then(
            Answer("", (Tool("set_disposition", {"disposition": "declined", "confidence": 1}),)),
            "As you wish.",
        )
        assert await it.hear("No.") == [
            Note("disposition", "declined"),
            Say("As you wish."),
            Listen(None, 16),
        ]
        it.plan.then(Answer("Noted.", (Tool("set_disposition", {"disposition": "opted_out"}),)))
        assert await it.hear("Never again.") == [
            Say("Noted."),
            # Without a word of how sure it is, it is not.
            Note("disposition", "opted_out", confidence=0.0),
            Listen(None, 16),
        ]
        assert len(it.plan.asked) == 3


async def test_what_happens_besides_speech_is_told_in_words() -> None:
    async with desk("openai") as it:
        for kind, text, told in (
            (InputKind.SILENCE, "", "[The caller has said nothing for a while."),
            (InputKind.DIGITS, "0541", "[The caller keyed 0541.]"),
            (InputKind.SPEECH, "", "[The caller said something that could not be made out."),
        ):
            await it.hear(text, kind)
            assert it.last_asked()[-1][1].startswith(told)
        assert await it.hear("beep", InputKind.MACHINE) == [
            Note("disposition", "voicemail"),
            HangUp("voicemail"),
        ]
        assert len(it.plan.asked) == 3


async def test_a_disclosure_that_was_cut_is_said_again_before_all_else() -> None:
    async with desk("openai") as it:
        await it.begin()
        it.conversation.interrupted("This is an", played_ms=300)
        it.plan.then("Hello, Noa.")
        assert said(await it.hear("What?")) == ["This is an automated call.", "Hello, Noa."]
        assert said(await it.hear("Aha.")) == ["You said: Aha."]


async def test_without_a_greeting_the_model_opens_the_call() -> None:
    async with desk("openai", brief=replace(BRIEF, greeting="", direction="inbound")) as it:
        it.plan.then("Good morning, Oak Dental here, how can I help?")
        assert said(await it.begin()) == [
            "This is an automated call.",
            "Good morning, Oak Dental here, how can I help?",
        ]
        # No provider goes on behind its own model's words, so they are told apart.
        assert it.last_asked() == [("user", "[The call is connected.]")]
        assert "«This is an automated call.»" in it.plan.asked[0].instructions
        await it.hear("Fine.")
        assert it.last_asked()[1] == (
            "assistant",
            "This is an automated call. Good morning, Oak Dental here, how can I help?",
        )


async def test_tools_without_end_come_to_an_end() -> None:
    async with desk("openai", options=replace(OPTIONS, tool_rounds=2)) as it:
        it.plan.then(Answer("", (LOOK,)), Answer("", (LOOK,)), Answer("I found nothing.", (LOOK,)))
        acts = await it.hear("Search!")
        assert acts == [Say("I found nothing."), Listen(None, 16)]
        assert len(it.used) == 2
        assert "Use none now" in it.plan.asked[-1].instructions
        it.plan.then(*[Answer("", (LOOK,))] * 3)
        with pytest.raises(BrainFailed, match="without end"):
            await it.hear("Again!")
        assert len(it.used) == 4


async def test_what_a_tool_came_to_is_told_even_where_something_was_said_before() -> None:
    async with desk("openai") as it:
        it.plan.then(Answer("Let me look.", (LOOK,)), "", "Nine is free.")
        assert said(await it.hear("Monday?")) == ["Let me look.", "Nine is free."]
        assert len(it.plan.asked) == 3


async def test_an_empty_answer_is_asked_for_once_more() -> None:
    async with desk("openai") as it:
        it.plan.then("", "Here I am.")
        assert said(await it.hear("Hello?")) == ["Here I am."]
        it.plan.then("", "")
        with pytest.raises(BrainFailed, match="nothing to say"):
            await it.hear("Hello?")


async def test_silence_is_filled_while_the_model_and_its_tools_are_slow() -> None:
    options = BrainOptions(filler_after_s=0.2, filler_again_s=0.4)
    async with desk("openai", options=options, patience=Patience()) as it:
        await it.begin()
        it.plan.then(Answer("Nine is free.", first_s=0.3))
        assert said(await it.hear("Monday?")) == ["One moment, please.", "Nine is free."]
        # Whoever is quick needs none; the next phrase is another; a tool's silence counts from what was said.
        it.tool_s = 1.0
        it.plan.then(Answer("Let me look.", (LOOK,)), "Ten is free.")
        assert said(await it.hear("Tuesday?")) == [
            "Let me look.",
            "Just a second.",
            "Still looking, one moment.",
            "Ten is free.",
        ]
        it.tool_s = 0.1
        it.plan.then(Answer("Let me look.", (LOOK,)), "Ten is free.")
        assert said(await it.hear("Tuesday?")) == ["Let me look.", "Ten is free."]
        assert all("moment, please" not in text and "second" not in text for _, text in it.last_asked())


async def test_silence_is_filled_in_the_agents_language_or_not_at_all() -> None:
    slow = Answer("תשע פנוי.", first_s=0.3)
    options = BrainOptions(filler_after_s=0.1)
    async with desk(
        "openai", brief=replace(BRIEF, language="he"), options=options, patience=Patience()
    ) as it:
        it.plan.then(slow)
        assert said(await it.hear("שני?")) == ["רגע אחד בבקשה.", "תשע פנוי."]
    async with desk("openai", options=replace(options, fillers_a_turn=0), patience=Patience()) as it:
        it.plan.then(slow)
        assert said(await it.hear("?")) == ["תשע פנוי."]


PAST = (Line("agent", OPENING), Line("caller", "Yes. What is free on Monday?"))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_conversation_of_another_brain_is_gone_on_with(provider: str) -> None:
    async with desk(provider, brief=replace(BRIEF, past=PAST)) as it:
        it.plan.then("Nine is free.")
        assert said(await it.begin()) == ["Nine is free."]
        assert [text for _, text in it.last_asked()][-2:] == [OPENING, "Yes. What is free on Monday?"]
        assert it.plan.refused == []


async def test_where_the_agent_spoke_last_the_caller_is_listened_to() -> None:
    async with desk("openai", brief=replace(BRIEF, past=PAST[:1])) as it:
        assert await it.begin() == [Listen(None, 16)]
        assert it.plan.asked == []


async def test_a_disclosure_that_another_brain_never_came_to_is_made_up_for() -> None:
    past = (Line("agent", "This is an"), Line("caller", "Who is there?"))
    async with desk("openai", brief=replace(BRIEF, past=past)) as it:
        it.plan.then("It is Dana.")
        assert said(await it.begin()) == ["This is an automated call.", "It is Dana."]


def test_a_brief_without_instructions_is_refused() -> None:
    async def no_tool(_name: str, _arguments: Mapping[str, Any]) -> ToolResult:
        raise AssertionError

    with pytest.raises(ValueError, match="instructions"):
        ModelBrain(FallbackModel([("m", None)])).open(replace(BRIEF, instructions=" "), no_tool)  # type: ignore[list-item]
