"""Claims that one number does not fall behind another."""

from typing import Literal

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Positive
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, with_error


@claim_test("no_worse")
class NoWorse:
    """The first number is no worse than the second by more than the tolerance; it may be better by any amount.

    A test of non-inferiority: an uncertain difference does not count as no difference.
    """

    class Options(TestOptions):
        """Two numbers, which of them is better, and what is not worth counting."""

        first: MetricReference = Field(description="the number that should not fall behind")
        second: MetricReference = Field(description="the number it is compared with")
        tolerance: Positive = Field(description="by how much the first may be worse")
        better: Literal["higher", "lower"] = Field(default="higher", description="which of two numbers is better")

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [self.first, self.second]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        first, second = (r.find_measured(measurements) for r in options.references())
        sign = 1.0 if options.better == "higher" else -1.0
        meaning = f"{first.label} {'minus' if sign > 0 else 'below'} {second.label}, plus the tolerance"
        condition = Condition(((sign, first), (-sign, second)), options.tolerance, meaning)
        sentence = (
            f"{first.label} is {with_error(first.value, first.error)}, {second.label} "
            f"{with_error(second.value, second.error)}; the claim wants the first no "
            f"{'lower' if sign > 0 else 'higher'} by more than {exact(options.tolerance)}."
        )
        return decide([condition], [first, second], sentence, options, measurements)
