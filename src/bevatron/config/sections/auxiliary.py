"""The sections of auxiliary tasks: what a model learns in addition to the study's task, from the same encoded lists."""

from typing import Annotated, Literal

from pydantic import Field

from bevatron.config.sections.section import Count, Name, Positive, Section


class ElementClassification(Section):
    """Predict the class of each element of a list; cross entropy, averaged over the elements that have a class."""

    kind: Literal["element_classification"] = Field(description="the auxiliary task's name")
    target: Name = Field(
        description="target of the dataset with a class number for each element of a list that the model reads"
    )
    classes: list[str] = Field(
        default=[], description="its class names in the order of their numbers, to be checked; default: the dataset's"
    )
    weight: Positive = Field(default=1.0, description="factor of its loss in the total loss")
    widths: list[Count] = Field(
        default=[64], description="units of the hidden layers over an encoded element with its encoded sample"
    )
    balance: Literal["none", "weights"] = Field(
        default="none", description="unequal classes: 'weights' weighs the loss by inverse class fraction of elements"
    )


class SameVertex(Section):
    """Predict whether two elements of a list come from the same vertex; binary cross entropy, averaged over pairs."""

    kind: Literal["same_vertex"] = Field(description="the auxiliary task's name")
    target: Name = Field(
        description="target of the dataset with the number of the vertex of each element of a list that the model "
        "reads; pairs with an element without a vertex, whose number is negative, count as different"
    )
    weight: Positive = Field(default=1.0, description="factor of its loss in the total loss")
    widths: list[Count] = Field(
        default=[64],
        description="units of the hidden layers over a pair of encoded elements with the encoded sample; one layer or "
        "more",
        min_length=1,
    )


class AuxiliaryRegression(Section):
    """Predict a number of a sample, or several, in units of their standard deviation over the training split."""

    kind: Literal["regression"] = Field(description="the auxiliary task's name")
    target: Name = Field(
        description="target of the dataset with numbers of each sample; samples for which one is NaN are left out"
    )
    loss: Literal["huber", "mse"] = Field(
        default="huber",
        description="'huber': squared for errors up to one standard deviation, else linear; 'mse': squared",
    )
    weight: Positive = Field(default=1.0, description="factor of its loss in the total loss")
    widths: list[Count] = Field(default=[64], description="units of the hidden layers over the encoded sample")


AuxiliaryTask = Annotated[
    ElementClassification | SameVertex | AuxiliaryRegression,
    Field(discriminator="kind"),
]
OF_ELEMENTS = ("element_classification", "same_vertex")  # kinds whose target is one of elements


def sort_by_name(tasks: dict[str, AuxiliaryTask]) -> dict[str, AuxiliaryTask]:
    """The tasks sorted by name, for sums and heads. The order in the file does not matter, as digests ignore it."""
    return dict(sorted(tasks.items()))
