"""Several providers of speech as one: the next takes over where one fails; what is repeated comes from a
cache.

All of it implements the speech ports over the speech ports, and knows providers by the names given to it.
"""

from trunkline.providers.speech_chain.cache import AudioCache, CachedTextToSpeech
from trunkline.providers.speech_chain.cooling import Cooling
from trunkline.providers.speech_chain.levelled import LevelledTextToSpeech
from trunkline.providers.speech_chain.stt import FallbackSpeechToText
from trunkline.providers.speech_chain.tts import FallbackTextToSpeech

__all__ = [
    "AudioCache",
    "CachedTextToSpeech",
    "Cooling",
    "FallbackSpeechToText",
    "FallbackTextToSpeech",
    "LevelledTextToSpeech",
]
