"""The values that decide how well local speech works, each with what was measured.

`benchmarks/speech.py` measures them again. All figures are over 8 kHz mu-law with random gain
(6 dB either way), speed (8 %) and pitch, which is what one simulated call sounds like.
"""

from __future__ import annotations

AGENT_VOICE = "en-us+klatt3"
"""The formant voices (klatt3 to klatt5, Diogo) were understood best in both directions: no error in
114 full sentences of the agent, where the plain voice and f1, f2 lost 3 to 8 in 100."""

PERSON_VOICES = (
    "en-us+klatt4",
    "en-us+klatt5",
    "en-us+Diogo",
    "en-us+adam",
    "en-us+m6",
)
"""Voices whose weekdays and hours were understood in 35 of 35 trials or missed once. Female ones
(f1, f2, belinda) reach about 93 in 100; Alicia, Andrea, rob and the Scots accent are unusable."""

WORDS_PER_MINUTE = 150
"""135 to 180 make no difference beyond chance; 120 costs three points in a hundred."""

DECODER_OPTIONS: dict[str, str | int | float] = {
    # Ten times wider than the defaults: eight more right in a thousand, at 12 ms a second of audio.
    "beam": 1e-80,
    "wbeam": 1e-60,
    "pbeam": 1e-80,
    "topn": 8,
}

EXTRA_PRONUNCIATIONS: tuple[tuple[str, str], ...] = (
    # espeak's "four" is a diphthong, else heard as "one": hours went from 94.9 to 97.4 in 100.
    ("four", "F OW R"),
    # A telephone line loses the final s: "no thanks" went from unheard to heard.
    ("thanks", "TH AE NG K"),
    ("thanks", "TH AE NG"),
    ("thanks", "TH AE NG S"),
    ("thanks", "TH EH NG K"),
)

LINE_NOISE = 30.0
"""Root mean square of the noise laid under an utterance, in 16-bit steps. The model has never met
the perfect silence between words of a digital line: without noise it understood 6 hours in 100
and 77 weekdays; with 8 to 40 steps, 100 and 93 to 97."""

DECOYS: tuple[str, ...] = (
    "please repeat that",
    "could you say that again",
    "what was that",
    "hello",
    "pardon",
    "sorry",
    "excuse me",
    "one moment please",
    "i do not know",
    "maybe",
    "who is this",
    "what do you want",
    "can you hear me",
    "wait a minute",
    "i have a question",
    "how much is it",
    "speak up please",
)
"""What people say in place of an answer. They stand in every grammar and are never told: a recogniser that
has nothing to choose from but "yes" and "no" takes "please repeat that" for one of them."""

DECOY_WEIGHT = 1e-12
"""Beside a phrase's weight of one. At 1, one "half past" in ten and three bare answers in 70 were lost."""

LEAST_ACOUSTIC_SCORE = -5.0
"""Mean log likelihood of the words' frames against the best sound of each frame; an answer below
it is refused. With decoys more sounds compete for each frame, so right answers score lower than without.
Beside "yes", "sure", "no" and "no thank
you", 18 foreign sentences by seven voices were taken for an answer 3 times in 126 ("i am not sure", each
time), and 24 times without decoys at -4.5; right answers were 69 of 70 both times."""

CONFIDENCE_SCALE = 2.0
"""The posterior of a right answer has a median of 0.43, of a wrong one 0.23; doubled and capped
at 1 it reads as a confidence: below 0.5 it is worth asking again."""
