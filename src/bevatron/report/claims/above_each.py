"""Claims that each of several numbers lies above a threshold."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Real
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, with_error


@claim_test("above_each")
class AboveEach:
    """Each of the numbers is larger than the threshold; the lowest decides.

    Of the accuracies of all classes, above one over their number: no classifier that does not look at its input passes,
    whatever class it names how often, as its accuracies add up to 1.
    """

    class Options(TestOptions):
        """Numbers and the threshold that each should exceed."""

        metrics: list[MetricReference] = Field(description="the numbers", min_length=1)
        threshold: Real = Field(description="what each of them should exceed", allow_inf_nan=False)

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return list(self.metrics)

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        numbers = [reference.find_measured(measurements) for reference in options.metrics]
        conditions = [
            Condition(((1.0, number),), -options.threshold, f"{number.label} above threshold") for number in numbers
        ]
        values_text = "; ".join(f"{number.label} {with_error(number.value, number.error)}" for number in numbers)
        sentence = f"{values_text}: the claim wants each above {exact(options.threshold)}."
        return decide(conditions, numbers, sentence, options, measurements)
