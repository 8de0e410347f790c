"""Claims that one number is a multiple of another."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Positive
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, plain, with_error


@claim_test("ratio")
class Ratio:
    """The first number is at least `factor` times the second, both positive.

    Decided by first - factor × second, which stays well-behaved where the second comes near zero.
    """

    class Options(TestOptions):
        """Two numbers and the least ratio between them."""

        first: MetricReference = Field(description="the larger number")
        second: MetricReference = Field(description="the smaller number")
        factor: Positive = Field(description="least value of first / second")

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [self.first, self.second]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        first, second = (r.find_measured(measurements) for r in options.references())
        meaning = f"{first.label} minus {exact(options.factor)} × {second.label}"
        condition = Condition(((1.0, first), (-options.factor, second)), 0.0, meaning)
        ratio_text = plain(first.value / second.value) if second.value > 0 else "not defined"
        sentence = (
            f"{first.label}, {with_error(first.value, first.error)}, over {second.label}, "
            f"{with_error(second.value, second.error)}, is {ratio_text}; "
            f"the claim wants {exact(options.factor)} at least."
        )
        return decide([condition], [first, second], sentence, options, measurements)
