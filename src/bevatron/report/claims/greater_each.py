"""Claims that each of several numbers exceeds another one."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Section
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import with_error


class Pair(Section):
    """Two numbers that are compared."""

    larger: MetricReference = Field(description="the number that should be larger")
    smaller: MetricReference = Field(description="the number that it should exceed")


@claim_test("greater_each")
class GreaterEach:
    """In each pair the first number is larger than the second: pairs may be of different metrics."""

    class Options(TestOptions):
        """Pairs of numbers."""

        pairs: list[Pair] = Field(description="what is compared with what", min_length=1)

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [reference for pair in self.pairs for reference in (pair.larger, pair.smaller)]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        pairs = [
            (pair.larger.find_measured(measurements), pair.smaller.find_measured(measurements))
            for pair in options.pairs
        ]
        conditions = [Condition(((1.0, a), (-1.0, b)), 0.0, f"{a.label} minus {b.label}") for a, b in pairs]
        compared = "; ".join(
            f"{a.label} is {with_error(a.value, a.error)} and {b.label} {with_error(b.value, b.error)}"
            for a, b in pairs
        )
        numbers = [number for pair in pairs for number in pair]
        return decide(
            conditions, numbers, f"{compared}; the claim wants the first above the second.", options,
            measurements,
        )  # fmt: skip
