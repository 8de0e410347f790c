"""Claims that each of several numbers exceeds one other."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import NonNegative
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, with_error


@claim_test("greater_each")
class GreaterEach:
    """Each of the numbers is larger than the other, by at least a margin; the lowest decides."""

    class Options(TestOptions):
        """Numbers, and the one that each should exceed."""

        metrics: list[MetricReference] = Field(description="the numbers that should be larger", min_length=1)
        other: MetricReference = Field(description="the number that each should exceed")
        margin: NonNegative = Field(default=0.0, description="by how much at least")

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [*self.metrics, self.other]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        *numbers, other = (reference.find_measured(measurements) for reference in options.references())
        conditions = [
            Condition(((1.0, number), (-1.0, other)), -options.margin, f"{number.label} minus {other.label}")
            for number in numbers
        ]
        values_text = "; ".join(f"{number.label} {with_error(number.value, number.error)}" for number in numbers)
        margin_text = f" by {exact(options.margin)} at least" if options.margin else ""
        sentence = (
            f"{values_text}: the claim wants each above {other.label}, {with_error(other.value, other.error)}"
            f"{margin_text}."
        )
        return decide(conditions, [*numbers, other], sentence, options.sigmas, options.every_seed)
