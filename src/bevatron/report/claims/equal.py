"""Claims that numbers are exactly what arithmetic, or a theorem, says."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Real
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, plain


@claim_test("equal")
class Equal:
    """The number is exactly the known one, for every seed: no error and no tolerance."""

    class Options(TestOptions):
        """One number, and what it must be."""

        metric: MetricReference = Field(description="the number, of a model")
        value: Real = Field(description="what it must be", allow_inf_nan=False)

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [self.metric]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        number = options.metric.find_measured(measurements)
        of_seeds = number.per_seed if len(number.per_seed) else [number.value]
        differences = [abs(float(value) - options.value) for value in of_seeds]
        conditions = [
            Condition((), -difference if difference else 1.0, f"{number.label} of seed {seed}, exactly as claimed")
            for seed, difference in enumerate(differences)
        ]
        values = ", ".join(plain(float(value)) for value in dict.fromkeys(of_seeds))
        sentence = f"{number.label} is {values} for {len(differences)} seeds; the claim wants {exact(options.value)}."
        return decide(conditions, [number], sentence, options.sigmas)
