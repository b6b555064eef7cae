"""Offline speech: espeak-ng speaks, pocketsphinx listens, Silero notices that somebody talks.

Owns the three local providers behind the speech ports. The two speech libraries live in helper
processes and never in ours: espeak-ng is GPL and keeps global state, and a crash of either must
not take a call with it. Nothing here reaches a network.
"""

from trunkline.providers.local_speech.requirements import LocalSpeechUnavailable
from trunkline.providers.local_speech.silero import SileroVoiceActivity
from trunkline.providers.local_speech.stt import SphinxSpeechToText, WeightedGrammar
from trunkline.providers.local_speech.tts import EspeakTextToSpeech

__all__ = [
    "EspeakTextToSpeech",
    "LocalSpeechUnavailable",
    "SileroVoiceActivity",
    "SphinxSpeechToText",
    "WeightedGrammar",
]
