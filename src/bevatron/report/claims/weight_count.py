"""Claims about the number of a network's weights: exact ones."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Count
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.untrained import NetworkOptions, untrained_network
from bevatron.report.results.measured import Measurements


@claim_test("weight_count")
class WeightCount:
    """The network has exactly this number of weights."""

    EXACT = True  # nothing is measured

    class Options(NetworkOptions):
        """A network for images, and its number of weights."""

        weights: Count = Field(description="numbers that are learned")

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the network with what the claim says of it."""
        network = untrained_network(options.architecture, options.channels, options.side, options.classes)
        n_weights = sum(weights.numel() for weights in network.parameters())
        difference = abs(n_weights - options.weights)
        sentence = f"The network has {n_weights:,} weights; the claim wants {options.weights:,}."
        meaning = "weights, as claimed" if difference == 0 else "weights: the difference, negative"
        return decide([Condition((), -float(difference) or 1.0, meaning)], [], sentence, options, measurements)
