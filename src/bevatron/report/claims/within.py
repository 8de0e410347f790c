"""Claims that several numbers of a model lie in known ranges."""

from typing import Annotated

from pydantic import Field, model_validator

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Name, Real
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import MetricReference, TestOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, with_error

Ends = tuple[
    Annotated[Real, Field(allow_inf_nan=False)] | None,
    Annotated[Real, Field(allow_inf_nan=False)] | None,
]


@claim_test("within")
class Within:
    """Each metric lies in its range: a compound claim, all of whose parts must hold."""

    class Options(TestOptions):
        """A model's metrics and their ranges."""

        model: Name = Field(description="the model")
        ranges: dict[str, Ends] = Field(
            description="by metric its lowest and highest value, null where there is none", min_length=1
        )

        @model_validator(mode="after")
        def _ranges_have_ends(self) -> "Within.Options":
            for metric, (low, high) in self.ranges.items():
                if low is None and high is None:
                    raise ValueError(f"ranges.{metric}: has no end; give one at least")
                if low is not None and high is not None and low >= high:
                    raise ValueError(f"ranges.{metric}: the first must be the lower, found {low:g} and {high:g}")
            return self

        def references(self) -> list[MetricReference]:
            """All numbers the test looks at."""
            return [MetricReference(model=self.model, metric=metric) for metric in self.ranges]

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        numbers = [reference.find_measured(measurements) for reference in options.references()]
        conditions, parts = [], []
        for number, (low, high) in zip(numbers, options.ranges.values(), strict=True):
            if low is not None:
                conditions.append(Condition(((1.0, number),), -low, f"{number.label} above {exact(low)}"))
            if high is not None:
                conditions.append(Condition(((-1.0, number),), high, f"{number.label} below {exact(high)}"))
            parts.append(f"{number.label} {with_error(number.value, number.error)} ({_range_text(low, high)})")
        sentence = f"Measured, with the range that the claim wants behind it: {', '.join(parts)}."
        return decide(conditions, numbers, sentence, options, measurements)


def _range_text(low: float | None, high: float | None) -> str:
    if high is None:
        return "any" if low is None else f"above {exact(low)}"
    return f"below {exact(high)}" if low is None else f"{exact(low)} to {exact(high)}"
