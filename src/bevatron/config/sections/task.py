"""The section `task`: what is learned, which decides the loss, the predictions and the metrics."""

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from bevatron.config.sections.section import Count, Fraction, Name, NonNegative, Positive, Real, Section, WithLaterKeys
from bevatron.near_names import did_you_mean


class Invariant(Section):
    """What a single latent dimension of a regression's auto-encoders is compared with: a number that is the same from
    whatever side a sample is seen.
    """

    truth: Name = Field(description="target of the dataset with the true number, such as an invariant mass")
    views: dict[Name, Name] = Field(
        description="by input group of the models, the group that shows the same samples from another side",
        min_length=1,
    )
    label: Name = Field(description="target of the dataset with class numbers: 0 for background, others for signal")


class Regression(WithLaterKeys):
    """Predict one number or several, with their uncertainty where the loss is a likelihood."""

    LATER: ClassVar[tuple[str, ...]] = ("invariant",)

    kind: Literal["regression"] = Field(description="the task's name")
    target: Name = Field(
        description="target of the dataset to predict, one number or several, unless a model names another"
    )
    loss: Literal["mse", "mae", "gaussian_nll"] = Field(
        default="mse",
        description="mean squared error; mean absolute error, whose best prediction is the median; or the negative log-"
        "likelihood of a Gaussian, of which the network predicts mean and width of each number",
    )
    scaling: Literal["standard", "none"] | None = Field(
        default=None,
        description="'standard': the loss sees each number less its mean, over its standard deviation in the training "
        "split; predictions are in the target's own unit. Default: 'standard' of several numbers and of "
        "`gaussian_nll`, else 'none'",
    )
    truth: Name | None = Field(default=None, description="target without noise, to which predictions are compared")
    x: str | None = Field(default=None, description="input feature drawn along the plots' horizontal axis")
    invariant: Invariant | None = Field(
        default=None,
        description="compare the latent dimension of auto-encoders that have one with a number that does not depend on "
        "how a sample is seen; default: not compared",
    )

    def is_scaled(self, n_numbers: int) -> bool:
        """Whether a target of so many numbers is standardised for the loss."""
        if self.scaling is None:
            return n_numbers > 1 or self.loss == "gaussian_nll"
        return self.scaling == "standard"


class LeastChange(Section):
    """The smallest change that makes a network mistake an image, by box-constrained L-BFGS (arXiv:1312.6199)."""

    models: list[Name] = Field(default=[], description="networks that are tried; default: those attacked")
    samples: Count = Field(
        default=200, description="first samples of the test split, of which the recognised are tried"
    )
    trials: Count = Field(default=10, description="values of c, the weight of the change, tried for each sample")
    iterations: Count = Field(default=30, description="iterations of L-BFGS-B at most, for each of them")


class Attacks(WithLaterKeys):
    """How trained classifiers are tried with adversarial examples."""

    LATER: ClassVar[tuple[str, ...]] = ("models", "least_change")

    epsilons: list[Positive] = Field(
        description="largest changes of an input's value, rising; the example shown is of the least that suffices",
        min_length=1,
    )
    steps: Count = Field(
        default=20, description="steps of PGD, which is tried beside FGSM so that masked gradients are seen"
    )
    models: list[Name] = Field(default=[], description="networks that are attacked; default: all")
    samples: Count = Field(default=1000, description="test samples that are attacked, from the first on")
    range: tuple[Real, Real] = Field(default=(0.0, 1.0), description="values that an input can have")
    least_change: LeastChange | None = Field(
        default=None, description="also look for the smallest change of each image (L-BFGS); default: not"
    )

    @model_validator(mode="after")
    def _rising(self) -> "Attacks":
        if sorted(set(self.epsilons)) != self.epsilons:
            raise ValueError(f"epsilons: must rise, found {', '.join(map(str, self.epsilons))}")
        return self


class Classification(Section):
    """Predict a class; cross entropy over softmax outputs."""

    kind: Literal["classification"] = Field(description="the task's name")
    target: Name = Field(description="target of the dataset holding the class numbers")
    classes: list[Name] = Field(description="class names in the order of their numbers", min_length=2)
    signal: Name = Field(description="the class to be tagged")
    efficiencies: list[Fraction] = Field(
        default=[0.60, 0.70, 0.77, 0.85], description="signal efficiencies at which background rejections are quoted"
    )
    background_fractions: dict[Name, NonNegative] | None = Field(
        default=None,
        description="composition of the background in auc.<signal>_vs_rest, instead of that of the test split: the "
        "fraction of each class, scaled to a sum of 1. In all metrics the signal is then ranked by "
        "log(p_signal / Σ f_c p_c); default: the test split's composition, ranked by p_signal",
    )
    attacks: Attacks | None = Field(
        default=None, description="adversarial examples for trained networks; default: none"
    )

    @model_validator(mode="after")
    def _fractions_are_those_of_backgrounds(self) -> "Classification":
        if self.background_fractions is None:
            return self
        backgrounds = [name for name in self.classes if name != self.signal]
        for name in self.background_fractions:
            if name not in backgrounds:
                allowed = ", ".join(backgrounds)
                raise ValueError(f"background_fractions: '{name}' is no background; allowed: {allowed}")
        if not 0 < sum(self.background_fractions.values()) < math.inf:
            raise ValueError("background_fractions: at least one must be above 0, and their sum finite")
        return self

    def normalised_fractions(self) -> dict[str, float] | None:
        """background_fractions with a sum of 1, of the classes that are part of the background; None if not set."""
        if self.background_fractions is None:
            return None
        total = sum(self.background_fractions.values())
        return {name: value / total for name, value in self.background_fractions.items() if value > 0}

    @model_validator(mode="after")
    def _signal_is_a_class(self) -> "Classification":
        if self.signal not in self.classes:
            near, allowed = did_you_mean(self.signal, self.classes), ", ".join(self.classes)
            raise ValueError(f"signal '{self.signal}' is none of the classes{near}; allowed: {allowed}")
        return self


class Classification2D(Classification):
    """Tell two classes of points in a plane apart; squared error, and images of lines and surfaces."""

    kind: Literal["classification_2d"] = Field(description="the task's name")

    @model_validator(mode="after")
    def _two_classes(self) -> "Classification2D":
        if len(self.classes) != 2:
            raise ValueError(f"classes: a line tells two classes apart, found {len(self.classes)}")
        return self


class MultiLabel(Section):
    """Predict which labels a sample has, any number of them; binary cross entropy of each label."""

    kind: Literal["multi_label"] = Field(description="the task's name")
    target: Name = Field(
        description="target of the dataset holding 0 or 1 for each label; the labels' names are those of its parts"
    )
    threshold: Fraction = Field(default=0.5, description="probability from which on a sample is said to have a label")
    thresholds: dict[str, Fraction] = Field(default={}, description="by label, another threshold than `threshold`")


class Detection(Section):
    """Find the objects in an image and draw a box around each; the architecture's own losses."""

    kind: Literal["detection"] = Field(description="the task's name")
    target: Name = Field(
        description="target of the dataset holding up to so many boxes of an image: x1, y1, x2, y2 as fractions of its "
        "width and height, and the class number, -1 where there is no box"
    )
    classes: list[Name] = Field(description="class names in the order of their numbers", min_length=1)
    ious: list[Fraction] = Field(
        default=[0.50, 0.75],
        description="overlaps (intersection over union) from which a box counts as found, at which precision is quoted",
        min_length=1,
    )

    @model_validator(mode="after")
    def _overlaps_can_be_reached(self) -> "Detection":
        if bad := [iou for iou in self.ious if not 0 < iou <= 1]:
            raise ValueError(f"ious: an overlap lies in (0, 1], found {bad[0]:g}")
        return self


class Segmentation(Section):
    """Say of each charged pixel of an image what made it; cross entropy over these pixels. Empty ones are not asked."""

    kind: Literal["segmentation"] = Field(description="the task's name")
    target: Name = Field(
        description="target of the dataset with a class number for each pixel that is stored of sparse images, -1 for "
        "none to learn"
    )
    classes: list[Name] = Field(description="class names in the order of their numbers", min_length=2)


class Reconstruction(Section):
    """Give an image back without its noise; mean squared error over the pixels."""

    kind: Literal["reconstruction"] = Field(description="the task's name")
    target: Name = Field(
        description="target of the dataset holding the image to give back, unless a model names another"
    )
    truth: dict[Name, Name] = Field(
        default={},
        description="by target that has noise itself, the target without, to which images are compared",
    )
    parameters: dict[Name, Name] = Field(
        default={},
        description="by clean target, the target of the dataset holding the true parameters of its image, which a "
        "linear probe reads from the hidden representation",
    )


class Generation(Section):
    """Make images like those of the dataset, which a second network cannot tell from them."""

    kind: Literal["generation"] = Field(description="the task's name")
    target: Name = Field(
        description="target of the dataset holding class numbers, from which the reference classifier learns"
    )
    classes: list[Name] = Field(description="class names in the order of their numbers", min_length=2)


OF_ELEMENTS = ("segmentation",)
"""Tasks whose target is one of elements: pixels of sparse images, and not whole samples."""

Task = Annotated[
    Regression
    | Classification
    | Classification2D
    | MultiLabel
    | Detection
    | Segmentation
    | Reconstruction
    | Generation,
    Field(discriminator="kind"),
]
