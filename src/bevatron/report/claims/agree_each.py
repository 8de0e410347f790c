"""Claims that the models of each of several groups agree."""

from itertools import permutations

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Positive
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import GroupOptions
from bevatron.report.results.measured import Measurements
from bevatron.report.tables.numbers import exact, plain


@claim_test("agree_each")
class AgreeEach:
    """In each group no two models differ in the metric by more than the tolerance.

    An uncertain difference does not count as agreement.
    """

    class Options(GroupOptions):
        """Groups of models, and how far those of a group may be apart."""

        tolerance: Positive = Field(description="largest difference between any two models of a group")

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the measured numbers with what the claim says of them."""
        groups = [[r.find_measured(measurements) for r in group] for group in options.references_by_group()]
        conditions = [
            Condition(((-1.0, a), (1.0, b)), options.tolerance, f"tolerance minus ({a.label} minus {b.label})")
            for group in groups
            for a, b in permutations(group, 2)
        ]
        values = [[n.value for n in group] for group in groups]
        spreads = [max(group) - min(group) for group in values]
        widest = max(range(len(groups)), key=lambda k: spreads[k])
        sentence = (
            f"Apart by at most {', '.join(plain(spread) for spread in spreads)} within the {len(groups)} groups, most "
            f"between {', '.join(n.label for n in groups[widest])}; the claim allows {exact(options.tolerance)}."
        )
        numbers = [number for group in groups for number in group]
        return decide(conditions, numbers, sentence, options, measurements)
