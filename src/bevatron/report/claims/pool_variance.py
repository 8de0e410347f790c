"""Claims about the variance of pooled pixels: exact ones."""

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Count, Positive, Section
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import ArithmeticOptions
from bevatron.report.results.measured import Measurements

ROUNDING = 1e-12


class PooledSquare(Section):
    """A square that is pooled, and the variance that its mean is said to have."""

    side: Count = Field(le=1000, description="side of the square")
    variance: Positive = Field(description="variance of the mean, in units of a single pixel's")


@claim_test("pool_variance")
class PoolVariance:
    """The mean over squares of independent pixels of equal variance has the variance claimed.

    An average pool is linear, y = Σ w x, so that the variance of y is Σ w² times that of x. The weights w are what the
    gradient of what the pool makes, the same for every image.
    """

    EXACT = True  # nothing is measured

    class Options(ArithmeticOptions):
        """Squares, and the variance of their means."""

        squares: list[PooledSquare] = Field(description="squares that are pooled", min_length=1)

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the pool with what the claim says of it."""
        import torch

        from bevatron.models.layers.images import pool

        conditions, found = [], []
        for square in options.squares:
            pixels = torch.zeros(1, 1, square.side, square.side, dtype=torch.float64, requires_grad=True)
            (weights,) = torch.autograd.grad(pool("average", square.side, square.side)(pixels).sum(), pixels)
            variance = float((weights**2).sum())
            difference = abs(variance - square.variance)
            name = f"mean of {square.side} × {square.side} pixels"
            conditions.append(Condition((), 1.0 if difference < ROUNDING else -difference, f"{name}, as claimed"))
            found.append(f"{name} {variance:.6g}, claimed {square.variance:.6g}")
        sentence = f"Variance in units of a single pixel's: {'; '.join(found)}."
        return decide(conditions, [], sentence, options, measurements)
