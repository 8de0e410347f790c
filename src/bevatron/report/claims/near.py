"""Claims that a number is the one that theory, or somebody's measurement, gives."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Positive, Real
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, with_error


@claim_test("near")
class Near:
    """The number differs from a known one by no more than the tolerance.

    An uncertain difference does not count as agreement.
    """

    class Options(TestOptions):
        """One number, and the one it should be."""

        metric: MetricReference = Field(description="the number")
        reference: Real = Field(description="what it should be", allow_inf_nan=False)
        tolerance: Positive = Field(description="largest difference from it")

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [self.metric]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        number = options.metric.find_measured(measurements)
        conditions = [
            Condition(
                ((-sign, number),),
                options.tolerance + sign * options.reference,
                f"tolerance minus {'excess' if sign > 0 else 'lack'} of {number.label}",
            )
            for sign in (1.0, -1.0)
        ]
        sentence = (
            f"{number.label} is {with_error(number.value, number.error)}; the claim wants "
            f"{exact(options.reference)} to within {exact(options.tolerance)}."
        )
        return decide(conditions, [number], sentence, options, measurements)
