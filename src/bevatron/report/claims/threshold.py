"""Claims that one number lies above, or below, a threshold."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Real
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, with_error


class ThresholdOptions(TestOptions):
    """One number and one threshold."""

    metric: MetricReference = Field(description="the number")
    threshold: Real = Field(description="what it is compared with")

    def references(self) -> list[MetricReference]:
        """All numbers the test looks at."""
        return [self.metric]


@claim_test("above")
class Above:
    """The number is larger than the threshold."""

    class Options(ThresholdOptions):
        """One number and the threshold it should exceed."""

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        return _decide(options, measurements, +1.0, "above")


@claim_test("below")
class Below:
    """The number is smaller than the threshold."""

    class Options(ThresholdOptions):
        """One number and the threshold it should stay under."""

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        return _decide(options, measurements, -1.0, "below")


def _decide(options: ThresholdOptions, measurements: Measurements, sign: float, word: str) -> Decision:
    number = options.metric.find_measured(measurements)
    condition = Condition(((sign, number),), -sign * options.threshold, f"{number.label} {word} threshold")
    claim_text = f"the claim wants it {word} {exact(options.threshold)}"
    sentence = f"{number.label} is {with_error(number.value, number.error)}; {claim_text}."
    return decide([condition], [number], sentence, options, measurements)
