"""Claims of several parts: each number, or difference of two numbers, lies on its side of a bound."""

from pydantic import Field, model_validator

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Real, Section
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, plain, with_error


class Bound(Section):
    """One number, perhaps less another, and where it should be."""

    number: MetricReference = Field(description="the number")
    minus: MetricReference | None = Field(
        default=None, description="a number that is subtracted first; default: nothing is subtracted"
    )
    above: Real | None = Field(default=None, allow_inf_nan=False, description="it should be larger than this")
    below: Real | None = Field(default=None, allow_inf_nan=False, description="it should be smaller than this")

    @model_validator(mode="after")
    def _one_side(self) -> "Bound":
        if (self.above is None) == (self.below is None):
            raise ValueError("give exactly one of 'above' and 'below'")
        return self

    def condition(self, measurements: Measurements) -> tuple[Condition, str]:
        """The condition on the measured numbers, and what was measured in words."""
        number = self.number.find_measured(measurements)
        bound, sign = (self.above, 1.0) if self.above is not None else (self.below, -1.0)
        assert bound is not None  # as validated
        terms = [(sign, number)]
        words = f"{number.label} {with_error(number.value, number.error)}"
        label = number.label
        if self.minus is not None:
            other = self.minus.find_measured(measurements)
            terms.append((-sign, other))
            label = f"{label} minus {other.label}"
            words = f"{label} {plain(number.value - other.value)}"
        side = "above" if sign > 0 else "below"
        condition = Condition(tuple(terms), -sign * bound, f"{label} {side} {exact(bound)}")
        return condition, f"{words} ({side} {exact(bound)})"


@claim_test("bounds")
class Bounds:
    """Each of several numbers, or differences of two, is above or below its bound: a statement of several parts."""

    class Options(TestOptions):
        """The parts of the statement."""

        parts: list[Bound] = Field(description="numbers, or differences of two, and their bounds", min_length=1)

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at, each once."""
            found = [r for part in self.parts for r in (part.number, part.minus) if r is not None]
            return [r for k, r in enumerate(found) if r not in found[:k]]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        parts = [part.condition(measurements) for part in options.parts]
        numbers = [r.find_measured(measurements) for r in options.references()]
        sentence = f"Measured, with the claim behind it: {'; '.join(words for _, words in parts)}."
        conditions = [condition for condition, _ in parts]
        return decide(conditions, numbers, sentence, options, measurements)
