"""Claims that a model's numbers are the published ones, each of them."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Name, Positive, Real
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, with_error


@claim_test("near_each")
class NearEach:
    """Each of a model's numbers differs from its known one by no more than the tolerance; the worst decides."""

    class Options(TestOptions):
        """A model's metrics, and what they should be."""

        model: Name = Field(description="the model")
        expected: dict[str, Real] = Field(description="by metric, what it should be", min_length=1)
        tolerance: Positive = Field(description="largest difference")

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [MetricReference(model=self.model, metric=metric) for metric in self.expected]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        numbers = [reference.find_measured(measurements) for reference in options.references()]
        expected = list(options.expected.values())
        conditions = [
            Condition(
                ((-sign, number),),
                options.tolerance + sign * reference,
                f"tolerance minus {'excess' if sign > 0 else 'lack'} of {number.label}",
            )
            for number, reference in zip(numbers, expected, strict=True)
            for sign in (1.0, -1.0)
        ]
        pairs = ", ".join(
            f"{number.label} {with_error(number.value, number.error)} ({exact(reference)})"
            for number, reference in zip(numbers, expected, strict=True)
        )
        sentence = f"Measured, with the published number behind it: {pairs}; the claim wants each to within "
        sentence += f"{exact(options.tolerance)}."
        return decide(conditions, numbers, sentence, options, measurements)
