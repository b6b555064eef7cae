"""What all brains with ears and a voice of their own share: the conversation, and the line to a provider.

A provider's own module subclasses `LiveLine` with its messages. Knows no provider.
"""

from trunkline.providers.own_voice.conversation import OwnVoiceConversation
from trunkline.providers.own_voice.line import LineBroken, LineRefused, LiveLine
from trunkline.providers.own_voice.options import VoiceOptions
from trunkline.providers.own_voice.reply import LiveSpeech, Reply
from trunkline.providers.own_voice.utterance import LiveUtterance

__all__ = [
    "LineBroken",
    "LineRefused",
    "LiveLine",
    "LiveSpeech",
    "LiveUtterance",
    "OwnVoiceConversation",
    "Reply",
    "VoiceOptions",
]
