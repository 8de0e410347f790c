"""The section `training`: how a model is fitted."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bevatron.config.sections.section import (
    Count,
    Fraction,
    Integer,
    Name,
    NonNegative,
    Positive,
    Real,
    Section,
    WithLaterKeys,
)


class EarlyStopping(Section):
    """Stop when the validation loss no longer falls."""

    patience: Count = Field(default=5, description="validations without improvement before the fit stops")
    min_delta: NonNegative = Field(
        default=0.0, description="least fall of the validation loss that counts as improvement"
    )


class Adversarial(Section):
    """Learn from adversarial examples too, made again in every step (Goodfellow et al., arXiv:1412.6572, sec. 6)."""

    epsilon: Positive = Field(description="largest change of an input's value, in the input's units")
    clean_weight: Fraction = Field(
        default=0.5, description="weight α of the loss on clean samples; 1 - α on those that are changed"
    )
    attack: Literal["fgsm", "pgd"] = Field(default="fgsm", description="one step along the gradient's sign, or several")
    steps: Count = Field(default=7, description="steps of pgd")
    range: tuple[Real, Real] = Field(default=(0.0, 1.0), description="values that an input can have")


class Augmentation(Section):
    """Images changed at random in every step, in ways that leave what they show as it is."""

    mirror: bool = Field(default=False, description="left and right changed over, of half of the images")
    shift: Integer = Field(default=0, ge=0, description="pixels by which an image is shifted at most, both ways")


class WarmUp(Section):
    """The learning rate rises linearly at the beginning (Goyal et al., arXiv:1706.02677, sec. 2.2)."""

    steps: Count | None = Field(default=None, description="length of the warm-up in optimiser steps")
    fraction: Fraction | None = Field(default=None, description="length of the warm-up as a fraction of all steps")
    start_factor: Fraction = Field(default=0.01, description="learning rate of the first step over the full one")

    @model_validator(mode="after")
    def _has_one_length(self) -> "WarmUp":
        if (self.steps is None) == (self.fraction is None):
            raise ValueError("give either steps or fraction")
        return self


class OneCycle(Section):
    """The one-cycle policy (Smith and Topin, arXiv:1708.07120), with the parameters of PyTorch's OneCycleLR.

    The learning rate rises from learning_rate / div_factor to learning_rate and falls to the last one, which is the
    first divided by final_div_factor.
    """

    pct_start: Fraction = Field(default=0.3, description="fraction of the steps in which the learning rate rises")
    div_factor: Positive = Field(default=25.0, description="largest learning rate divided by the first one")
    final_div_factor: Positive = Field(default=1e4, description="first learning rate divided by the last one")
    anneal_strategy: Literal["cos", "linear"] = Field(default="cos", description="rise and fall along a cosine or line")
    cycle_momentum: bool = Field(
        default=True,
        description="the momentum of sgd, or β₁ of adam and adamw, takes the opposite course, from max_momentum to "
        "base_momentum and back, in place of the constant one",
    )
    base_momentum: Fraction = Field(default=0.85, description="momentum at the largest learning rate")
    max_momentum: Fraction = Field(default=0.95, description="momentum at the first step and the last")


class WeightAverage(Section):
    """The average of the weights over the steps is validated and published, in place of the last step's weights.

    'exponential' forgets (Polyak and Juditsky, SIAM J. Control Optim. 30 (1992) 838, with a decay), 'equal' does not
    (stochastic weight averaging, Izmailov et al., arXiv:1803.05407, after every step).
    """

    kind: Literal["exponential", "equal"] = Field(
        default="exponential", description="weights of the steps in the average"
    )
    decay: Fraction = Field(
        default=0.999,
        description="of 'exponential': factor of the average in each step, but in the n-th averaged step at most "
        "(1 + n) / (10 + n), so that the first weights are soon forgotten",
    )
    start: Fraction = Field(default=0.0, description="fraction of the fit's steps before the averaging begins")

    @model_validator(mode="after")
    def _forgets(self) -> "WeightAverage":
        if self.decay == 1.0:
            raise ValueError("decay must be below 1, found 1: the average would keep to the first weights")
        return self


class Training(WithLaterKeys):
    """One fit: optimiser, batches, length, and what ends it."""

    LATER: ClassVar[tuple[str, ...]] = ("warm_up", "one_cycle", "accumulate", "weight_average", "compile")

    epochs: Count = Field(default=20, description="passes over the training split, at most")
    batch_size: Count | Literal["full"] = Field(
        default=1000, description="samples a step; 'full' takes the whole split"
    )
    optimiser: Literal["adam", "adamw", "sgd"] = Field(default="adam", description="rule that updates the weights")
    learning_rate: Positive = Field(default=1e-3, description="step size of the optimiser")
    weight_decay: NonNegative = Field(default=0.0, description="decay of the weights towards zero")
    momentum: Fraction = Field(default=0.0, description="momentum, of sgd alone")
    beta1: Fraction = Field(
        default=0.9, description="decay of Adam's mean gradient, β₁; 0.5 for networks that learn against each other"
    )
    schedule: Literal["constant", "cosine", "one_cycle"] = Field(
        default="constant", description="course of the learning rate over the fit's steps"
    )
    warm_up: WarmUp | None = Field(
        default=None,
        description="rise of the learning rate at the beginning, for schedules constant and cosine; default: none",
    )
    one_cycle: OneCycle | None = Field(
        default=None, description="options of the schedule 'one_cycle'; default: their default values"
    )
    accumulate: Count = Field(
        default=1,
        description="number of batches whose gradients are averaged for one step, which is then that of a batch as "
        "large as all of them; for batches that do not fit into memory at once",
    )
    weight_average: WeightAverage | None = Field(
        default=None, description="validate and publish the average of the weights over the steps; default: no average"
    )
    gradient_clip: Positive | None = Field(
        default=None, description="largest norm of the gradient; default: not clipped"
    )
    balance: Literal["none", "weights", "batches"] = Field(
        default="none",
        description="unequal classes: 'weights' weighs the loss by inverse class fraction; 'batches' draws every class "
        "equally often, so that an epoch repeats the rarer classes",
    )
    negative_weights: Literal["refuse", "absolute", "keep"] = Field(
        default="refuse",
        description="samples with a negative weight: 'refuse' ends before the fit, 'absolute' learns with |weight|, "
        "'keep' subtracts their loss, whose minimum may then not exist",
    )
    class_ratio: dict[Name, Positive] | None = Field(
        default=None,
        description="use only so many samples of each class that their numbers have this ratio, in training and "
        "validation, e.g. {light: 100, beauty: 1}; classes not named are left out; default: all there are",
        min_length=1,
    )
    samples: Count | None = Field(
        default=None, description="learn from this many samples at most, drawn by the seed, the classes' fractions kept"
    )
    sample_order: Literal["shuffled", "sorted", "alternating"] = Field(
        default="shuffled",
        description="order within an epoch: 'sorted' shows class after class, 'alternating' a sample of each class in "
        "turn, the samples of a class shuffled either way",
    )
    augmentation: Augmentation | None = Field(
        default=None, description="of images, while a network learns; default: none"
    )
    adversarial: Adversarial | None = Field(
        default=None,
        description="of a classification of dense inputs; the validation loss is that of clean samples; default: none",
    )
    validate_every: Count = Field(default=1, description="epochs between validations")
    early_stopping: EarlyStopping | None = Field(default=None, description="default: the fit runs its full length")
    checkpoint: Literal["best", "last"] = Field(
        default="best", description="weights to publish: those of the lowest validation loss, or of the last step"
    )
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(
        default="32-true", description="arithmetic of the fit; 16-mixed, which scales its loss, is slow on a CPU"
    )
    memory_format: Literal["contiguous", "channels_last"] = Field(
        default="contiguous",
        description="order of images in memory: 'channels_last' is faster on GPUs with tensor cores",
    )
    compile: bool = Field(
        default=False,
        description="compile the network with torch.compile, for networks over dense inputs; needs a C++ compiler",
    )
    threads: Count = Field(
        default=1, description="CPU threads of one fit; part of a run's identity, as sums depend on it"
    )
    checkpoint_seconds: Positive = Field(default=30.0, description="seconds between checkpoints within an epoch")

    @model_validator(mode="after")
    def _ends_with_a_validation(self) -> "Training":
        if self.epochs % self.validate_every:
            raise ValueError(
                f"epochs must be a multiple of validate_every, found {self.epochs} and {self.validate_every}"
            )
        return self

    @model_validator(mode="after")
    def _schedule_fits(self) -> "Training":
        if self.schedule == "one_cycle" and self.warm_up is not None:
            raise ValueError("warm_up: the schedule 'one_cycle' rises by itself; leave warm_up out")
        if self.schedule != "one_cycle" and self.one_cycle is not None:
            raise ValueError(f"one_cycle: the schedule is '{self.schedule}'; set schedule: one_cycle, or leave it out")
        return self

    @model_validator(mode="after")
    def _batches_can_be_accumulated(self) -> "Training":
        if self.accumulate > 1 and self.batch_size == "full":
            raise ValueError("accumulate: batch_size 'full' makes one batch an epoch; give a number of samples")
        return self
