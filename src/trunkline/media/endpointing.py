"""How long a silence ends a turn: by what was said so far, and by a model where there is one. Pure."""

from __future__ import annotations

from trunkline.media.evidence import Evidence
from trunkline.media.turns import TurnRules
from trunkline.media.wording import digits_in, is_finished, is_unfinished


class ByText:
    """The default `Endpointing`.

    A number has its own patience until all its digits are there. Then the model's word counts, where it
    is sure; then the text's: shorter after a whole sentence, longer after "and ...". Without either,
    silence alone decides, as the rules say.
    """

    def patience_ms(self, seen: Evidence, rules: TurnRules) -> int:
        if seen.digits:
            return rules.end_finished_ms if digits_in(seen.text) >= seen.digits else rules.end_digits_ms
        plain = rules.end_short_ms if seen.short_answer else rules.end_ms
        over = seen.turn_over
        if is_unfinished(seen.text) or (over is not None and over <= rules.over_hardly):
            return max(plain, rules.end_unfinished_ms)
        if is_finished(seen.text) or (over is not None and over >= rules.over_surely):
            return min(plain, rules.end_finished_ms)
        return plain
