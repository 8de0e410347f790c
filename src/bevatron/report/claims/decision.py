"""From the conditions of a claim to its verdict.

- Reproduced: all conditions hold at the claim's standard deviations z. A claim that is false violates one of them, and
  that one alone holds by chance with a probability of at most p = 1 - Φ(z), so that nothing is corrected.
- Not reproduced: at least one condition fails at p / m, where m is the number of conditions: of many that hold, one
  fails by chance (S. Holm, Scand. J. Stat. 6 (1979) 65; whether any fails is his first step).
- Not at this scale: it would not be reproduced, but a model in every condition that fails was still improving when its
  training ended. Also where it would be reproduced by a generator that collapsed (`collapsed`).
- Undecided: otherwise, or where a number does not exist, or where what depends on training was trained once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bevatron.report.claims.condition import Condition, Margin, compute_margin
from bevatron.report.claims.reference import TestOptions
from bevatron.report.results.measured import Measured, Measurements
from bevatron.store.records.claims import Verdict

__all__ = ["Condition", "Decision", "Margin", "decide", "decide_exactly"]


@dataclass(frozen=True)
class Decision:
    """A verdict, the numbers behind it, the margin nearest to failing, and one line that says it.

    p_reproduced: how probable numbers that look as true as these are if the claim is false; p_not_reproduced: numbers
    that look as false if it is true, corrected for the number of conditions.
    """

    verdict: Verdict
    numbers: tuple[Measured, ...]
    margins: tuple[Margin, ...]
    sentence: str
    notes: tuple[str, ...] = ()
    p_reproduced: float = 1.0
    p_not_reproduced: float = 1.0

    @property
    def decisive(self) -> Margin:
        """The margin that decides: the lowest, in standard deviations; one without a distance before all."""
        return min(self.margins, key=lambda m: m.rank)


def decide(
    conditions: list[Condition],
    numbers: Sequence[Measured],
    sentence: str,
    options: TestOptions,
    measurements: Measurements,
) -> Decision:
    """The verdict on a claim that says that all conditions hold."""
    from scipy.special import ndtr

    sigmas = options.sigmas
    margins = tuple(compute_margin(c, sigmas, measurements) for c in conditions)
    p_limit = float(ndtr(-sigmas))
    failing = [c for c, m in zip(conditions, margins, strict=True) if m.p_value_against * len(margins) < p_limit]
    notes: list[str] = []
    verdict: Verdict = "undecided"
    if failing:
        verdict = "not reproduced"
        improving = [[name for name in c.models if name in measurements.improving] for c in failing]
        if all(improving):
            verdict = "not at this scale"
            titles = ", ".join(dict.fromkeys(measurements.title(name) for names in improving for name in names))
            notes.append(f"would not be reproduced, but still improving when the training ended: {titles}")
    elif all(m.distance > sigmas for m in margins):
        verdict = "reproduced"
        if options.every_seed and min(m.worst_seed for m in margins) <= 0:
            verdict = "undecided"
            notes.append("true on average, but not for every seed")
    missing = [n.label for n in numbers if not np.isfinite(n.value)]
    if missing:
        notes.append(f"no value for {', '.join(missing)} at this scale")
    single = {n.trained for n in numbers if n.trained and len(n.per_seed) == 1} - measurements.deterministic
    if single:
        notes.append(f"one training of {', '.join(map(measurements.title, sorted(single)))}, which decides nothing")
    p_reproduced = max(m.p_value for m in margins)
    p_not = min(1.0, min(m.p_value_against for m in margins) * len(margins))
    return Decision(verdict, tuple(numbers), margins, sentence, tuple(notes), p_reproduced, p_not)


def decide_exactly(decision: Decision) -> Decision:
    """The verdict on arithmetic or a theorem: reproduced if every condition holds for every seed, without errors."""
    lowest = min(m.worst_seed for m in decision.margins)
    verdict: Verdict = "undecided" if np.isnan(lowest) else "reproduced" if lowest > 0 else "not reproduced"
    notes = tuple(note for note in decision.notes if not note.startswith(("one training", "would not")))
    return Decision(verdict, decision.numbers, decision.margins, decision.sentence, notes)
