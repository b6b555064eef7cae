"""What a message says: written down with its row, and put together again for the provider.

Knows neither who may send it nor when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from trunkline.core.errors import InvalidInput, TooLarge
from trunkline.providers.ports import ChatTraits, Choice, MessageKind, OutFile, OutMessage, TemplateUse

LONGEST_TEXT = 4_096
_SHOWN = 200


class Button(BaseModel):
    """A button, or an item of a list, that a person may choose."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=24)
    description: str = Field("", max_length=72)


class FilledTemplate(BaseModel):
    """An approved template with what stands in its variables."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=512)
    language: str = Field(min_length=2, max_length=20)
    body: list[str] = Field(default_factory=list, max_length=50)
    header: list[str] = Field(default_factory=list, max_length=10)
    buttons: list[str] = Field(default_factory=list, max_length=10)
    names: list[str] = Field(default_factory=list, max_length=60)
    """Of a template whose variables have names: those, the header's first."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says, before it has a row."""

    kind: MessageKind = MessageKind.TEXT
    text: str = ""
    """The words; of a file its caption, of a template its text with the variables filled in."""
    choices: tuple[Button, ...] = ()
    menu: str = ""
    """What stands on the button that opens a list of choices."""
    template: FilledTemplate | None = None
    reply_to: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what the words do not hold, for the message's row."""
        held: dict[str, Any] = {}
        if self.choices:
            held["choices"] = [choice.model_dump() for choice in self.choices]
        if self.menu:
            held["menu"] = self.menu
        if self.template is not None:
            held["template"] = self.template.model_dump()
        return held


def check(content: Content, traits: ChatTraits) -> None:
    """Refuse what this provider does not take. Raises InvalidInput."""
    if "\x00" in content.text:
        raise InvalidInput("A message cannot hold the character of number zero.", reason="text")
    if len(content.text) > min(LONGEST_TEXT, traits.longest_text):
        raise InvalidInput(
            f"A message has {min(LONGEST_TEXT, traits.longest_text)} characters at most.", reason="too_long"
        )
    if content.kind == MessageKind.TEMPLATE:
        if not traits.has_templates or content.template is None:
            raise InvalidInput("This number sends no templates.", reason="no_templates")
    elif content.kind == MessageKind.BUTTONS:
        if not traits.has_choices or not content.choices:
            raise InvalidInput("This number sends no buttons.", reason="no_choices")
    elif content.kind == MessageKind.TEXT:
        if not content.text.strip():
            raise InvalidInput("An empty message cannot be sent.", reason="empty", field="text")
    elif content.kind not in traits.files:
        raise InvalidInput(f"This number sends no {content.kind}.", reason="no_files")


def kind_of_file(content_type: str, size: int, traits: ChatTraits) -> MessageKind:
    """Return as what a file of this type goes out. Raises InvalidInput, and TooLarge."""
    plain = content_type.partition(";")[0]
    fits = [kind for kind, types in traits.content_types.items() if plain in types]
    if not fits:
        raise InvalidInput(
            f"This number sends no files of the type {plain}.", reason="file_type", content_type=plain
        )
    most = max(traits.files.get(kind, 0) for kind in fits)
    for kind in sorted(fits, key=lambda kind: kind is MessageKind.STICKER):
        if size <= traits.files.get(kind, 0):
            return kind
    raise TooLarge(f"Such a file may have {most // 1024} KB.", most_bytes=most)


def out_message(
    *, to: str, kind: str, text: str, content: dict[str, Any], reply_to: str | None, reference: str,
    file: OutFile | None, status_url: str,
) -> OutMessage:  # fmt: skip
    """Return a row's message as a provider is given it."""
    filled = content.get("template")
    template = None
    if filled is not None:
        read = FilledTemplate.model_validate(filled)
        template = TemplateUse(
            name=read.name, language=read.language, body=tuple(read.body), header=tuple(read.header),
            header_file=file, buttons=tuple(read.buttons), names=tuple(read.names),
        )  # fmt: skip
    return OutMessage(
        to=to, kind=MessageKind(kind), reference=reference, text=text,
        file=None if template else file,
        choices=tuple(Choice(**choice) for choice in content.get("choices", ())),
        menu=content.get("menu", ""),
        template=template, reply_to=reply_to, status_url=status_url,
    )  # fmt: skip


def shown(kind: str, text: str) -> str:
    """Return a message as a line of a list shows it."""
    line = " ".join(text.split())
    return (line or f"[{kind}]")[:_SHOWN]
