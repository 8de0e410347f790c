"""Claims that numbers have a given order."""

from itertools import pairwise

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import with_error


@claim_test("ordered")
class Ordered:
    """Each number is larger than the next."""

    class Options(TestOptions):
        """Numbers in falling order."""

        metrics: list[MetricReference] = Field(description="the numbers, the largest first", min_length=2)

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return list(self.metrics)

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        numbers = [r.find_measured(measurements) for r in options.metrics]
        conditions = [Condition(((1.0, a), (-1.0, b)), 0.0, f"{a.label} minus {b.label}") for a, b in pairwise(numbers)]
        values_text = "; ".join(f"{n.label} {with_error(n.value, n.error)}" for n in numbers)
        sentence = f"In the order claimed, the largest first: {values_text}."
        return decide(conditions, numbers, sentence, options, measurements)
