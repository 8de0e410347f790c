"""Claims that the same order is found in each of several groups of models."""

from itertools import pairwise

from bevatron.config.loading.kinds import claim_test
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import GroupOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import with_error


@claim_test("ordered_each")
class OrderedEach:
    """In each group the metric of each model is larger than that of the next."""

    class Options(GroupOptions):
        """Groups of models, in falling order of the metric."""

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        groups = [[r.find_measured(measurements) for r in group] for group in options.references_by_group()]
        pairs = [pair for group in groups for pair in pairwise(group)]
        conditions = [Condition(((1.0, a), (-1.0, b)), 0.0, f"{a.label} minus {b.label}") for a, b in pairs]
        values_text = "; ".join(
            ", ".join(f"{n.label} {with_error(n.value, n.error)}" for n in group) for group in groups
        )
        rising = sum(a.value > b.value for a, b in pairs)
        sentence = f"{rising} of {len(pairs)} steps fall as claimed, the largest first: {values_text}."
        numbers = [number for group in groups for number in group]
        return decide(conditions, numbers, sentence, options, measurements)
