"""Claims that numbers are equal within a tolerance."""

from itertools import combinations

import numpy as np
from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Positive
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, plain, with_error


@claim_test("agree")
class Agree:
    """No two of the numbers differ by more than the tolerance; an uncertain difference does not count as agreement."""

    class Options(TestOptions):
        """Numbers and how far apart they may be."""

        metrics: list[MetricReference] = Field(description="the numbers", min_length=2)
        tolerance: Positive = Field(description="largest difference between any two")

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return list(self.metrics)

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        numbers = [r.find_measured(measurements) for r in options.metrics]
        conditions = [
            Condition(((-1.0, a), (1.0, b)), options.tolerance, f"tolerance minus ({a.label} minus {b.label})")
            for pair in combinations(numbers, 2)
            for a, b in (pair, pair[::-1])
        ]
        values_text = "; ".join(f"{n.label} {with_error(n.value, n.error)}" for n in numbers)
        values = np.array([n.value for n in numbers])
        sentence = (
            f"{values_text}: apart by {plain(values.max() - values.min())} at most; "
            f"the claim allows {exact(options.tolerance)}."
        )
        return decide(conditions, numbers, sentence, options, measurements)
