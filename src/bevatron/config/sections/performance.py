"""Sections of `evaluation` that say how a tagger's performance is shown: discriminants, profiles and importance."""

import math

from pydantic import Field, model_validator

from bevatron.config.sections.section import Count, Fraction, Integer, Name, NonNegative, Real, Section


class Discriminant(Section):
    """One number that ranks a signal above a combination of backgrounds: log(p_signal / Σ f_c p_c)."""

    title: str = Field(default="", description="axis label; default: the discriminant's name")
    signal: Name | None = Field(default=None, description="the class to be tagged; default: that of the task")
    fractions: dict[Name, NonNegative] = Field(
        description="by class, its weight f_c in the sum; they are scaled to a sum of 1", min_length=1
    )

    @model_validator(mode="after")
    def _some_class_counts(self) -> "Discriminant":
        if not 0 < sum(self.fractions.values()) < math.inf:
            raise ValueError("fractions: at least one must be above 0, and their sum finite")
        if self.signal in self.fractions:
            raise ValueError(f"fractions: '{self.signal}' is the signal, and no background of its own")
        return self

    def normalised(self) -> dict[str, float]:
        """The fractions, whose sum is 1, of the classes that are part of the sum."""
        total = sum(self.fractions.values())
        return {name: fraction / total for name, fraction in self.fractions.items() if fraction / total > 0}


class VariableProfile(Section):
    """A variable of the samples, in bins of which efficiency and rejection are shown."""

    title: str = Field(description="axis label, without its unit")
    group: Name | None = Field(default=None, description="input group of the dataset that has the variable")
    feature: str | None = Field(default=None, description="feature of that group, one number a sample")
    observer: str | None = Field(default=None, description="observer of the dataset, instead of a group's feature")
    unit: str = Field(default="", description="unit of an observer; that of a feature is in the dataset")
    absolute: bool = Field(default=False, description="take the absolute value, as of a pseudorapidity")
    bins: list[Real] | None = Field(
        default=None, description="edges of the bins, rising; default: bins of equal numbers of samples", min_length=2
    )
    n_bins: Count = Field(default=8, le=200, description="number of bins, where `bins` does not give them")
    metrics: bool = Field(
        default=False,
        description="make metrics for claims of the fraction that passes the cut of a working point in each bin: "
        "passing.<class>.at_<percent>.<profile>_<bin>, bins counted from 1",
    )

    @model_validator(mode="after")
    def _one_variable_in_rising_bins(self) -> "VariableProfile":
        if (self.observer is None) == (self.feature is None):
            raise ValueError("give either 'feature' with its 'group', or 'observer'")
        if (self.group is None) != (self.feature is None):
            raise ValueError("a feature needs its 'group', and an observer has none")
        if self.observer is None and self.unit:
            raise ValueError("unit: a feature has that of the dataset; give one for an observer only")
        if self.bins is not None and any(a >= b for a, b in zip(self.bins, self.bins[1:], strict=False)):
            raise ValueError(f"bins: must rise, found {', '.join(f'{edge:g}' for edge in self.bins)}")
        return self


class VertexFinding(Section):
    """How vertices are made from the pairs of an auxiliary task same_vertex, and which vertices count."""

    threshold: Fraction = Field(
        default=0.5,
        description="probability above which two elements are connected; elements that are connected, directly or "
        "through others, are one vertex",
    )
    primary: Integer | None = Field(
        default=None,
        description="number of a true vertex that is left out, such as the primary vertex of a collision; default: all "
        "true vertices count",
    )


class Importance(Section):
    """On which features trained networks rely: permutation importance, and integrated gradients."""

    models: list[Name] = Field(default=[], description="models that are looked into; default: all")
    samples: Count = Field(default=1000, description="test samples that are used, from the first on")
    repeats: Count = Field(default=5, le=1000, description="permutations of each feature")
    steps: Integer = Field(
        default=32, ge=0, le=1000, description="points between the average sample and each sample at which gradients "
        "are taken; 0: no integrated gradients",
    )  # fmt: skip
