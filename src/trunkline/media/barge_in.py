"""How much voice over the agent interrupts it: less where it speaks, more where it only hums. Pure."""

from __future__ import annotations

from trunkline.media.evidence import Evidence
from trunkline.media.turns import TurnRules
from trunkline.media.wording import is_backchannel, telling


class ByVoice:
    """The default `BargeIn`.

    Words are the best evidence and come late; a moving mouth and a hiss are the best that come at once. A
    voice that has none of them is a listener's until it has lasted longer than listeners do.
    """

    def enough_ms(self, seen: Evidence, rules: TurnRules) -> int:
        if len(telling(seen.text)) >= rules.barge_in_words:
            return rules.barge_in_sure_ms
        if is_backchannel(seen.text):
            return rules.barge_in_hum_ms
        if seen.articulation is None:
            return rules.barge_in_ms
        speaks = seen.hissed or seen.articulation >= rules.articulate
        return rules.barge_in_sure_ms if speaks else rules.barge_in_hum_ms
