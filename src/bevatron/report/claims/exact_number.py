"""Claims that are arithmetic or theorems about numbers that were computed: no error, and each seed must agree."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Real
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measured, Measurements
from bevatron.report.tables.numbers import exact, plain


class ExactOptions(TestOptions):
    """One number, and what is known of it."""

    metric: MetricReference = Field(description="the number, of a model")
    value: Real = Field(description="what it is, or its largest possible value", allow_inf_nan=False)

    def references(self) -> list[MetricReference]:
        """All numbers the test looks at."""
        return [self.metric]


@claim_test("equal")
class Equal:
    """The number is exactly the known one, for every seed."""

    EXACT = True

    class Options(ExactOptions):
        """One number, and what it must be."""

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        number = options.metric.find_measured(measurements)
        differences = [abs(value - options.value) for value in _of_seeds(number)]
        margins = [-difference if difference else 1.0 for difference in differences]
        return _decide(number, margins, options, f"exactly {exact(options.value)}", measurements)


@claim_test("at_most")
class AtMost:
    """The number is at most the known bound, for every seed."""

    EXACT = True

    class Options(ExactOptions):
        """One number, and its bound."""

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        number = options.metric.find_measured(measurements)
        margins = [options.value - value or 1.0 for value in _of_seeds(number)]  # the bound itself is allowed
        return _decide(number, margins, options, f"{exact(options.value)} at most", measurements)


def _of_seeds(number: Measured) -> list[float]:
    return [float(value) for value in number.per_seed] or [number.value]


def _decide(
    number: Measured, margins: list[float], options: ExactOptions, wanted: str, measurements: Measurements
) -> Decision:
    values = ", ".join(plain(value) for value in dict.fromkeys(_of_seeds(number)))
    conditions = [
        Condition((), margin, f"{number.label} of seed {seed}, {wanted}") for seed, margin in enumerate(margins)
    ]
    sentence = f"{number.label} is {values} ({len(margins)} trainings); the claim wants {wanted}."
    return decide(conditions, [number], sentence, options, measurements)
