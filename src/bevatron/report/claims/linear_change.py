"""Claims about how far an attack moves a linear function: exact ones."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Count, Positive
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import ArithmeticOptions
from bevatron.report.results.measured import Measurements

EQUAL = 1e-9  # relative difference of two sums of float64 numbers that counts as none


@claim_test("linear_change")
class LinearChange:
    """FGSM moves w·x by ε |w|₁ = ε m n for n inputs with weights of mean size m: in proportion to n, at the same ε.

    The attack that networks are tried with is run on linear functions with random weights. Goodfellow et al.,
    arXiv:1412.6572, sec. 3.
    """

    EXACT = True  # nothing is measured

    class Options(ArithmeticOptions):
        """Numbers of inputs, and the size of the change."""

        inputs: list[Count] = Field(description="numbers of inputs, each another linear function", min_length=2)
        epsilon: Positive = Field(description="change of each input")

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the function with what the claim says of it."""
        import torch

        from bevatron.training.attacks import fgsm

        random, no_end = torch.Generator().manual_seed(0), float("inf")
        conditions, changes = [], []
        for n in options.inputs:
            weights, x = torch.randn(2, n, generator=random, dtype=torch.float64)
            weights = weights / weights.abs().mean()  # m = 1

            def network(inputs: dict[str, torch.Tensor], w: torch.Tensor = weights) -> torch.Tensor:
                above = inputs["x"] @ w
                return torch.stack([above, torch.zeros_like(above)], 1)

            # The loss of class 1 grows with w·x, so that its gradient has the signs of w.
            label = torch.ones(1, dtype=torch.int64)
            moved = fgsm(network, {"x": x[None]}, label, options.epsilon, -no_end, no_end)
            change, expected = float((moved["x"] - x)[0] @ weights), options.epsilon * n
            difference = abs(change - expected) / expected
            meaning = f"change of the output for {n} inputs is ε m n"
            conditions.append(Condition((), 1.0 if difference < EQUAL else -difference, meaning))
            changes.append(f"{change:.6g} for {n:,}")
        sentence = (
            f"With ε = {options.epsilon:g} and weights of mean size 1 the output changes by {', '.join(changes)} "
            "inputs; the claim wants ε times the number of inputs."
        )
        return decide(conditions, [], sentence, options, measurements)
