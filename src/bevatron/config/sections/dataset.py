"""The section `dataset`: how raw events become samples to learn from."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bevatron.config.loading.kinds import RecipeOptions
from bevatron.config.sections.balance import Balance
from bevatron.config.sections.section import Fraction, Integer, Section, WithLaterKeys


class SplitFractions(Section):
    """Fractions of the events, cut by a hash of the event's number so that no shard order matters.

    All samples of one event fall into the same split. A source whose samples have a fixed split of their own
    (separate draws, a benchmark's test set) overrules these fractions.
    """

    train: Fraction = Field(default=0.8, description="fraction to learn from")
    val: Fraction = Field(default=0.1, description="fraction for early stopping and search")
    test: Fraction = Field(default=0.1, description="fraction never seen before evaluation")

    @model_validator(mode="after")
    def _check_sum(self) -> "SplitFractions":
        if abs(self.train + self.val + self.test - 1.0) > 1e-9:
            raise ValueError(f"train + val + test must be 1, found {self.train + self.val + self.test:g}")
        if min(self.train, self.val, self.test) <= 0.0:
            raise ValueError("each of train, val and test must be above 0")
        return self


class DatasetSection(WithLaterKeys):
    """Sample shards made from the raw shards, one for one, and their manifest."""

    LATER: ClassVar[tuple[str, ...]] = ("balance", "folds")

    recipe: RecipeOptions = Field(description="how one raw shard becomes samples, and its own options")
    split: SplitFractions = Field(
        default_factory=SplitFractions, description="fractions for learning, validation and test"
    )
    folds: Integer | None = Field(
        default=None,
        ge=2,
        le=100,
        description="k-fold cross-validation: the events are cut into this many folds by a hash of their number; each "
        "fold is the test split of networks that learn from the others, of which `split.val / (split.train + "
        "split.val)` steers the fit, and `split.test` is not used. Default: no cross-validation",
    )
    compression: Literal["lz4", "zstd", "none"] = Field(
        default="lz4", description="lossless filter of the shards: lz4 reads fastest, zstd is smallest"
    )
    balance: Balance | None = Field(
        default=None, description="classes of one spectrum, over the whole dataset; default: all samples as they are"
    )

    @property
    def fold_parts(self) -> tuple[str, ...]:
        """The parts that the samples of a fold are in: those that the networks of other folds learn from, those that
        steer them, and where a balancing leaves samples out of these, those that are tested on alone; () without folds.
        """
        if self.folds is None:
            return ()
        alone = self.balance is not None and "test" not in self.balance.splits
        return ("train", "val", "test") if alone else ("train", "val")
