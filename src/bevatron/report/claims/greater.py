"""Claims that one number exceeds each of some others."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import NonNegative
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, with_error


@claim_test("greater")
class Greater:
    """The first number is larger than each of the others, by at least a margin."""

    class Options(TestOptions):
        """One number, and those it should exceed."""

        first: MetricReference = Field(description="the number that should be largest")
        others: list[MetricReference] = Field(description="the numbers it should exceed", min_length=1)
        margin: NonNegative = Field(default=0.0, description="by how much at least")

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [self.first, *self.others]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        first, *others = (r.find_measured(measurements) for r in options.references())
        conditions = [
            Condition(((1.0, first), (-1.0, o)), -options.margin, f"{first.label} minus {o.label}") for o in others
        ]
        best = max(others, key=lambda o: o.value)
        margin_text = f" by {exact(options.margin)} at least" if options.margin else ""
        sentence = (
            f"{first.label} is {with_error(first.value, first.error)}; the claim wants it above "
            f"{'the best of the others, ' if len(others) > 1 else ''}{best.label}, "
            f"{with_error(best.value, best.error)}{margin_text}."
        )
        return decide(conditions, [first, *others], sentence, options, measurements)
