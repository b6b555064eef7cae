"""The registry: which carriers, speech, brains, chat, mail and push this installation has.

Floors 4 and 5 register factories at start; services ask here by name and never import a provider.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Literal, cast

from trunkline.core.errors import InvalidInput
from trunkline.providers.ports import (
    AskingCarrier,
    Brain,
    Carrier,
    Chat,
    Embedder,
    Mailer,
    PushSender,
    Reader,
    SpeechToText,
    TellingCarrier,
    Writer,
)

Warmer = Callable[[], Awaitable[None]]
CarrierFactory = Callable[[], Carrier]
BrainFactory = Callable[[], Brain]
WriterFactory = Callable[[str, Mapping[str, str]], Writer | None]
ReaderFactory = Callable[[str, Mapping[str, str]], Reader | None]
ChatFactory = Callable[[], Chat]

TWILIO, TELNYX, BROWSER = "twilio", "telnyx", "browser"
"""The names of carriers, here and on record. The last one's calls come from the page."""

WHATSAPP, SMS_TWILIO, SMS_TELNYX = "whatsapp", "sms_twilio", "sms_telnyx"
"""The names of chat providers, here and on record."""

_carriers: dict[str, CarrierFactory] = {}
_unoffered: set[str] = set()
"""Carriers that no business can choose: their calls come to them by themselves."""
_first_carrier = TWILIO
"""Which one serves those who name none."""
_chats: dict[str, ChatFactory] = {}
_brains: dict[str, BrainFactory] = {}
_connecting: set[str] = set()
_readers: set[str] = set()
"""Brains that are given what the caller said as text, in whatever words."""
_keyed: dict[str, str] = {}
"""Brains that only a business's own key makes, with whose key that is."""
_voices: tuple[str, ...] = ()
_hears_anything = True
"""False where the recognisers know the words of written dialogues alone."""
_ears: SpeechToText | None = None
_warmers: dict[str, Warmer] = {}
_mailer: Mailer | None = None
_embedder: Embedder | None = None
_pusher: PushSender | None = None
_writing: tuple[WriterFactory, ReaderFactory] | None = None
_closers: dict[str, Callable[[], Awaitable[None]]] = {}


def register_carrier(factory: CarrierFactory, name: str = TWILIO, *, offered: bool = True) -> None:
    """Have a carrier under this name; one that is not offered cannot be a business's own."""
    _carriers[name] = factory
    if not offered:
        _unoffered.add(name)


def prefer_carrier(name: str) -> None:
    """Say which carrier serves the businesses that name none."""
    global _first_carrier  # noqa: PLW0603 - one choice a process
    _first_carrier = name


def first_carrier() -> str:
    """Return the name of the carrier that serves the businesses that name none."""
    return _first_carrier


def carrier(name: str | None = None) -> Carrier:
    """Return a carrier, the installation's first if none is named. Raises InvalidInput."""
    chosen = name or _first_carrier
    if chosen not in _carriers:
        if name is not None and carrier_names():
            raise InvalidInput(f"There is no carrier {name!r} here.", reason="no_carrier", carrier=name)
        raise InvalidInput(
            "No carrier is configured: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or TELNYX_API_KEY, "
            "TELNYX_CONNECTION_ID and TELNYX_PUBLIC_KEY.",
            reason="carrier_missing",
        )
    return _carriers[chosen]()


def asking_carrier(name: str) -> AskingCarrier:
    """Return a carrier that asks what to do with its calls. Raises InvalidInput."""
    found = carrier(name)
    if not found.capabilities.replies:
        raise InvalidInput(f"{name} does not ask what to do; it tells what has happened.")
    return cast("AskingCarrier", found)


def telling_carrier(name: str) -> TellingCarrier:
    """Return a carrier that tells what has happened and is sent commands. Raises InvalidInput."""
    found = carrier(name)
    if found.capabilities.replies:
        raise InvalidInput(f"{name} does not tell what has happened; it asks what to do.")
    return cast("TellingCarrier", found)


def register_chat(provider: str, factory: ChatFactory) -> None:
    """Have written messages go by this provider, for the accounts that businesses have there."""
    _chats[provider] = factory


def chat(provider: str) -> Chat:
    """Return a provider of written messages. Raises InvalidInput."""
    if provider not in _chats:
        raise InvalidInput(
            f"Nobody carries messages by {provider!r} here; there is {', '.join(chat_names())}.",
            reason="no_chat", provider=provider,
        )  # fmt: skip
    return _chats[provider]()


def chat_names() -> tuple[str, ...]:
    """Return the providers of written messages that a business of this installation may use."""
    return tuple(sorted(_chats))


def register_mailer(mailer: Mailer | None) -> None:
    """Say who sends our letters; None: nobody, and people pass links on by hand."""
    global _mailer  # noqa: PLW0603 - one process has one
    _mailer = mailer


def mailer() -> Mailer | None:
    """Return who sends our letters, if there is mail here."""
    return _mailer


def register_embedder(embedder: Embedder | None) -> None:
    """Say who turns texts into vectors; None: nobody, and knowledge is looked up by its words alone."""
    global _embedder  # noqa: PLW0603 - one process has one
    _embedder = embedder


def embedder() -> Embedder | None:
    """Return who turns texts into vectors, if anybody does here."""
    return _embedder


def register_pusher(pusher: PushSender) -> None:
    """Say who sends our messages to browsers."""
    global _pusher  # noqa: PLW0603 - one process has one
    _pusher = pusher


def pusher() -> PushSender:
    """Return who sends our messages to browsers."""
    assert _pusher is not None  # every process registers one as it begins
    return _pusher


def carrier_names() -> tuple[str, ...]:
    """Return the names of the carriers that a business of this installation may choose from."""
    return tuple(sorted(_carriers.keys() - _unoffered))


def register_brain(
    name: str,
    factory: BrainFactory,
    *,
    close: Callable[[], Awaitable[None]] | None = None,
    warm: Warmer | None = None,
    reads_anything: bool = False,
) -> None:
    """Offer a brain to agents under this name.

    `reads_anything`: it is told what the caller said as text, in any words, and is deaf without. `close` lets
    go of what it holds when calls have ended; `warm` has its connection open before one begins, and may raise
    ModelFailed.
    """
    _brains[name] = factory
    _keyed.pop(name, None)
    _closers.pop(name, None)
    _warmers.pop(name, None)
    _connecting.discard(name)
    _readers.discard(name)
    if reads_anything:
        _readers.add(name)
    if warm is not None:
        _warmers[name] = warm
    if close is not None:
        _closers[name] = close


def register_keyed_brain(name: str, provider: str, *, connects: bool = False) -> None:
    """Offer a brain for which this installation has no key to the businesses that have one of their own.

    `connects`: it hears and speaks by itself; else it reads what the caller said.
    """
    if name not in _brains:
        _keyed[name] = provider
        (_connecting if connects else _readers).add(name)


def provider_wanted(name: str) -> str | None:
    """Return whose key a brain wants of a business; None where it wants none, or there is no such brain."""
    return _keyed.get(name)


def brain_closers() -> tuple[Callable[[], Awaitable[None]], ...]:
    """Return what lets go of the brains' connections, on the loop that used them."""
    return tuple(_closers.values())


def brain_warmers() -> dict[str, Warmer]:
    """Return what has a brain's connection open, by the brain's name."""
    return {name: warm for name, warm in _warmers.items() if name in _brains}


def brain(name: str) -> Brain:
    """Return the brain of this name. Raises InvalidInput that lists the known ones."""
    if name not in _brains:
        raise InvalidInput(f"There is no brain {name!r}; this installation has {', '.join(sorted(_brains))}.")
    return _brains[name]()


def register_writing(writer: WriterFactory, reader: ReaderFactory) -> None:
    """Say who writes and reads for agents with a brain of some name, by a business's own keys or ours."""
    global _writing  # noqa: PLW0603 - one choice a process
    _writing = (writer, reader)


def writer(brain_name: str, keys: Mapping[str, str]) -> Writer | None:
    """Return who writes for an agent with this brain; None: there is no model that could.

    `keys` are the business's own, by provider.
    """
    assert _writing is not None  # every process registers them as it begins
    return _writing[0](brain_name, keys)


def reader(brain_name: str, keys: Mapping[str, str]) -> Reader | None:
    """Return who reads what was written to an agent with this brain; None: there is no model that could."""
    assert _writing is not None
    return _writing[1](brain_name, keys)


def register_connecting(name: str) -> None:
    """This brain begins a connection when it opens a conversation: worth doing before the call is there."""
    _connecting.add(name)


def connects(name: str) -> bool:
    """Return whether this brain begins a connection when it opens a conversation."""
    return name in _connecting


def register_ears(ears: SpeechToText | None) -> None:
    """Say who hears in this process, for as long as it holds calls; None: nobody any more."""
    global _ears  # noqa: PLW0603 - one process has one
    _ears = ears


def ears() -> SpeechToText | None:
    """Return who hears in this process, for a brain without ears that takes over from one that has them."""
    return _ears


def register_hearing(*, anything: bool) -> None:
    """Say whether the recognisers of this installation make out any words, or a written dialogue's alone."""
    global _hears_anything  # noqa: PLW0603 - as above
    _hears_anything = anything


def is_deaf(name: str) -> bool:
    """Return whether the brain of this name would hear nothing here."""
    return name in _readers and not _hears_anything


def hears_anything() -> bool:
    """Return whether the recognisers of this installation make out any words, in more than English."""
    return _hears_anything


def brain_kind(name: str) -> Literal["scripted", "model", "voice"]:
    """Return how a brain works: it follows a script, it reads and writes, or it hears and speaks."""
    if connects(name):
        return "voice"
    return "model" if name in _readers else "scripted"


def register_voices(names: tuple[str, ...]) -> None:
    """Say which speech providers speak here, the usual one first."""
    global _voices  # noqa: PLW0603 - as above
    _voices = names


def voice_names() -> tuple[str, ...]:
    """Return the speech providers that an agent may speak by."""
    return _voices


def brain_names(*, own_keys: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names that a form may offer to a business with keys of its own at these providers."""
    return tuple(sorted([*_brains, *(name for name, provider in _keyed.items() if provider in own_keys)]))
