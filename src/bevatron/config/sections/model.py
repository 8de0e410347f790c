"""The section of one model in a study: architecture, inputs, training, and its search if it has one."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from bevatron.config.loading.kinds import ArchitectureOptions
from bevatron.config.sections.auxiliary import OF_ELEMENTS, AuxiliaryTask, sort_by_name
from bevatron.config.sections.search import Choice, Search
from bevatron.config.sections.section import Name, Real, WithLaterKeys
from bevatron.config.sections.training import Training


class Model(WithLaterKeys):
    """One network of a study."""

    LATER: ClassVar[tuple[str, ...]] = ("auxiliary",)

    title: str = Field(description="the model's name in tables and plots")
    architecture: ArchitectureOptions = Field(description="the network and its own options")
    inputs: list[Name] = Field(description="input groups of the dataset that the network reads", min_length=1)
    target: Name | None = Field(default=None, description="target to learn, where it is not the task's")
    normalise: Literal["none", "standard", "robust", "rms"] = Field(
        default="standard",
        description="of the inputs, by the training split's statistics: 'standard' subtracts the mean and divides by "
        "the standard deviation; 'robust' takes median and 68 % half-width and then asinh, for long tails; 'rms' "
        "only divides by the root mean square, for images that are empty almost everywhere",
    )
    class_subset: list[Name] | None = Field(
        default=None,
        description="for a classification, two or more classes to train on; samples of the others are left out, and "
        "the network gives them no probability",
        min_length=2,
    )
    auxiliary: Annotated[dict[Name, AuxiliaryTask], AfterValidator(sort_by_name)] = Field(
        default={},
        description="by name, what the network learns in addition to the task, from the same encoded lists; the total "
        "loss is that of the task plus the sum of theirs, each times its weight",
    )
    training: Training = Field(default_factory=Training, description="how it is fitted")
    search: Search | None = Field(default=None, description="default: the values above are used")
    published: dict[str, Real] = Field(
        default={}, description="metrics of this model in the literature, for comparison"
    )

    @property
    def auxiliary_targets(self) -> list[str]:
        """The targets of samples that auxiliary tasks learn."""
        tasks = self.auxiliary.values()
        return list(dict.fromkeys(task.target for task in tasks if task.kind not in OF_ELEMENTS))

    @property
    def element_targets(self) -> list[str]:
        """The targets of elements of lists that auxiliary tasks learn."""
        return list(dict.fromkeys(task.target for task in self.auxiliary.values() if task.kind in OF_ELEMENTS))

    @property
    def members(self) -> list[str]:
        """The models whose trained networks this one needs: those of a committee."""
        return list(getattr(self.architecture, "members", ()))

    @model_validator(mode="after")
    def _classes_are_asked_once(self) -> "Model":
        if self.class_subset is not None and len(set(self.class_subset)) < len(self.class_subset):
            raise ValueError(f"class_subset: a class stands twice in {', '.join(self.class_subset)}")
        return self

    @model_validator(mode="after")
    def _a_committee_is_not_searched(self) -> "Model":
        if self.members and self.search is not None:
            raise ValueError("search: a committee cannot be searched; search its members")
        return self

    @model_validator(mode="after")
    def _space_fits(self) -> "Model":
        for key, distribution in (self.search.space if self.search else {}).items():
            bounds = distribution.values if isinstance(distribution, Choice) else [distribution.low, distribution.high]
            for value in bounds:
                try:
                    self.with_values({key: value})
                except KeyError as error:
                    raise ValueError(f"search.space: '{key}' is no key of this model; {error.args[0]}") from None
                except ValidationError as error:
                    raise ValueError(f"search.space: '{key}' = {value!r}: {error.errors()[0]['msg']}") from None
        return self

    @model_validator(mode="after")
    def _trials_end_with_a_validation(self) -> "Model":
        if self.search is not None and self.search.epochs % self.training.validate_every:
            raise ValueError(
                "search.epochs must be a multiple of training.validate_every, "
                f"found {self.search.epochs} and {self.training.validate_every}"
            )
        return self

    def with_values(self, values: dict[str, Any]) -> "Model":
        """The model with some dotted keys changed, validated again and without its search.

        Raises KeyError where a key does not exist, ValidationError where a value does not fit.
        """
        payload = self.model_dump(mode="json", exclude={"search"})
        for key, value in values.items():
            *path, leaf = key.split(".")
            branch, section = payload, self
            for step in path:
                branch = branch.get(step) if isinstance(branch, dict) else None
                section = getattr(section, step, None)
            left_out = getattr(section, "LATER", ())  # at their default they are in no dump
            if not isinstance(branch, dict) or leaf not in (*branch, *left_out):
                known = sorted({*branch, *left_out}) if isinstance(branch, dict) else sorted(payload)
                raise KeyError(f"known here: {', '.join(known)}")
            branch[leaf] = value
        return Model.model_validate(payload)
