"""The part of a study that makes its samples: all that the stages before learning need to know of it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from bevatron.config.loading.folds_fault import folds_fault
from bevatron.config.loading.merge import merge
from bevatron.config.sections.dataset import DatasetSection
from bevatron.config.sections.observable import Observable
from bevatron.config.sections.performance import Discriminant, Importance, VariableProfile, VertexFinding
from bevatron.config.sections.section import Count, Fraction, Integer, Name, Real, Section, WithLaterKeys
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.task import OF_ELEMENTS, Classification, MultiLabel, Regression, Task
from bevatron.config.sections.variation import Variation
from bevatron.near_names import did_you_mean


class Evaluation(WithLaterKeys):
    """How metrics and their uncertainties are made."""

    LATER: ClassVar[tuple[str, ...]] = (
        "discriminants",
        "working_points",
        "profiles",
        "reference",
        "importance",
        "filter_tuning",
        "loss_at",
        "check_gradients",
        "vertices",
    )

    bootstrap: Integer = Field(
        default=200,
        ge=20,
        description="bootstrap replicas of the test split behind every interval, drawn event by event",
    )
    confidence: Real = Field(default=0.68, gt=0.0, lt=1.0, description="probability content of the quoted intervals")
    observables: dict[Name, Observable] = Field(default={}, description="observables that need no network")
    inspect_layers: list[Name] = Field(
        default=[], description="convolutional networks whose filters, and what each layer makes of an image, are shown"
    )
    filter_tuning: list[Name] = Field(
        default=[],
        description="convolutional networks of which the first filters' responses to lines and edges are measured",
    )
    validate_source: bool = Field(
        default=False, description="show the source with published numbers, if it supports that"
    )
    discriminants: dict[Name, Discriminant] = Field(
        default={}, description="of a classification, by name: log(p_signal / Σ f_c p_c), whose rejections are shown"
    )
    working_points: list[Fraction] = Field(
        default=[0.7], description="signal efficiencies at which `profiles` are shown", min_length=1
    )
    profiles: dict[Name, VariableProfile] = Field(
        default={},
        description="of a classification, by name: variables in bins of which efficiency and rejection are shown, by "
        "the first of `discriminants`, or by the signal's probability where there are none",
    )
    reference: Name | None = Field(
        default=None,
        description="model to which ratio panels compare the others; default: of ROC curves the best of each figure, "
        "else the first",
    )
    importance: Importance | None = Field(
        default=None, description="which features networks rely on; default: not looked at"
    )
    loss_at: list[Count] = Field(
        default=[],
        description="numbers of epochs after which the validation loss is a metric, val_loss.at_<epochs>, of every "
        "model that is validated then",
    )
    check_gradients: list[Name] = Field(
        default=[],
        description="models of dense inputs whose gradients by back-propagation are compared with finite differences, "
        "and those of a batch with the sum over its samples; of a regression or classification",
    )

    vertices: VertexFinding = Field(
        default=VertexFinding(), description="vertices found by auxiliary tasks same_vertex"
    )

    @model_validator(mode="after")
    def _working_points_are_inside(self) -> "Evaluation":
        if wrong := [point for point in self.working_points if not 0 < point < 1]:
            raise ValueError(f"working_points: an efficiency lies between 0 and 1, found {wrong[0]:g}")
        if len(set(self.working_points)) < len(self.working_points):
            raise ValueError("working_points: an efficiency stands twice")
        return self


class DataPart(Section):
    """Source, dataset, task, and what is looked at without any network."""

    name: Name = Field(description="the study's name, the same as its file's")
    title: str = Field(description="heading in the report")
    summary: str = Field(description="a paragraph for the report: the question and the method")
    references: list[str] = Field(default=[], description="papers and lectures the study follows")
    optional: bool = Field(
        default=False,
        description="left out of the workflow, and named in the report, if files that its source reads are missing",
    )
    simulation: Simulation = Field(description="raw events")
    dataset: DatasetSection = Field(description="samples made from them")
    task: Task = Field(description="what is learned")
    n_seeds: Count = Field(default=3, le=10_000, description="runs of every model, with seeds 0 to N-1")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="metrics and uncertainties")
    variations: dict[Name, Variation] = Field(
        default={}, description="systematic variations: how metrics change with the test events, by name"
    )
    _nominal: "DataPart | None" = PrivateAttr(default=None)
    _variation: str = PrivateAttr(default="")

    @property
    def variation(self) -> str:
        """The name of the variation whose values it has; '' of the nominal study."""
        return self._variation

    @property
    def nominal(self) -> "DataPart":
        """The study as its file states it, of a varied one; else the study itself."""
        return self._nominal or self

    def variation_title(self, name: str) -> str:
        """What a variation is called in tables and figures."""
        return self.variations[name].title.strip() or name.replace("_", " ")

    def varied(self, name: str) -> Self:
        """The study with the values of one of its variations. Its random numbers are those of the nominal study.

        Raises KeyError for a name that is not there, and ValueError where the values do not fit.
        """
        variation = self.variations[name]
        simulation = self.simulation.model_copy(
            update={"source": _merged(self.simulation.source, variation.source, f"variations.{name}.source")}
        )
        recipe = _merged(self.dataset.recipe, variation.recipe, f"variations.{name}.recipe")
        dataset = self.dataset.model_copy(update={"recipe": recipe})
        varied = self.model_copy(update={"simulation": simulation, "dataset": dataset, "variations": {}})
        varied._nominal, varied._variation = self.nominal, name
        return varied

    @model_validator(mode="after")
    def _variations_fit(self) -> "DataPart":
        if self.variations and self.dataset.folds is not None:
            raise ValueError("variations: a study with folds cannot have any; take dataset.folds or variations away")
        for name in self.variations:
            varied = self.varied(name)
            if varied.simulation.source == self.simulation.source and varied.dataset.recipe == self.dataset.recipe:
                raise ValueError(f"variations.{name}: changes nothing; give values other than the study's own")
        return self

    @model_validator(mode="after")
    def _the_target_fits_the_task(self) -> "DataPart":
        if fault := target_fault(self.task, self.task.target, stated_targets(self)):
            raise ValueError(f"task.target: {fault}")
        if isinstance(self.task, Classification) and (stated := stated_targets(self)) is not None:
            named = list(stated[self.task.target].class_names)
            if list(self.task.classes)[: len(named)] != named:  # one too many at the end is empty: the manifest says so
                what = f"simulation.source.targets.{self.task.target} numbers them {', '.join(named)}"
                given = ", ".join(self.task.classes)
                raise ValueError(f"task.classes: {given}; {what}; give the same ones in one order")
        if isinstance(self.task, MultiLabel) and (stated := stated_targets(self)) is not None:
            known = stated[self.task.target].parts
            if unknown := [label for label in self.task.thresholds if label not in known]:
                allowed = ", ".join(known)
                raise ValueError(f"task.thresholds: unknown label '{unknown[0]}'; allowed: {allowed}")
        if fault := folds_fault(self.simulation, self.dataset, self.task):
            raise ValueError(f"dataset.folds: {fault}")
        self._check_performance()
        truth = self.task.truth if isinstance(self.task, Regression) else None
        if truth is not None and (fault := target_fault(self.task, truth, stated_targets(self))):
            raise ValueError(f"task.truth: {fault}")
        return self

    def _check_performance(self) -> None:
        """Discriminants and profiles are of a classification, and of its classes."""
        shown, task = self.evaluation, self.task
        for key in ("discriminants", "profiles", "filter_tuning"):
            if getattr(shown, key) and task.kind != "classification":
                raise ValueError(f"evaluation.{key}: only a classification has any, this is a {task.kind}")
        for key in ("importance", "check_gradients", "inspect_layers"):
            if getattr(shown, key) and task.kind in OF_ELEMENTS:
                raise ValueError(f"evaluation.{key}: a {task.kind} has none")
        for name, discriminant in shown.discriminants.items():
            assert isinstance(task, Classification)
            signal = discriminant.signal or task.signal
            for label in (signal, *discriminant.fractions):
                if label not in task.classes:
                    allowed, near = ", ".join(task.classes), did_you_mean(label, task.classes)
                    raise ValueError(
                        f"evaluation.discriminants.{name}: unknown class '{label}'{near}; allowed: {allowed}"
                    )
            if signal in discriminant.fractions:
                raise ValueError(f"evaluation.discriminants.{name}: '{signal}' is the signal, and no background of it")
        if shown.check_gradients and task.kind not in ("classification", "regression"):
            raise ValueError(f"evaluation.check_gradients: those of a {task.kind} are not checked")
        if shown.check_gradients and isinstance(task, Regression) and task.is_scaled(n_numbers=1):
            raise ValueError(
                "evaluation.check_gradients: not of a target that the loss scales, with outputs in float32"
            )
        if shown.importance is not None and task.kind not in ("classification", "regression", "multi_label"):
            raise ValueError(f"evaluation.importance: features of a {task.kind} are not looked at")


def _merged(options: Any, values: dict[str, Any], where: str) -> Any:
    """The options with values merged over them. Raises ValueError, naming the key below `where`, if they do not fit."""
    if not values:
        return options
    try:
        return type(options).model_validate(merge(options.model_dump(), values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(map(str, (where, *first["loc"])))
        raise ValueError(f"{key}: {first['msg'].removeprefix('Value error, ')}") from None


class StatedTarget(Protocol):
    """What the options of a source say of a target that they make."""

    @property
    def form(self) -> str:
        """The key that states it: value, values, classes, labels, element_classes or element_index."""
        ...

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its numbers, where it has several."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of its classes in the order of their numbers."""
        ...


LEARNED_FORMS = {  # by task, the forms of the targets that it learns
    "regression": ("value", "values"),
    "classification": ("classes", "value"),
    "classification_2d": ("classes", "value"),
    "generation": ("classes", "value"),
    "multi_label": ("labels",),
}
FORM_TASKS = {"value": "regression", "values": "regression", "classes": "classification", "labels": "multi_label"}


def stated_targets(study: "DataPart") -> Mapping[str, StatedTarget] | None:
    """The targets by name, where the source's own options state them and the recipe leaves them as they are."""
    if study.dataset.recipe.kind != study.simulation.source.kind:
        return None
    return getattr(study.simulation.source, "targets", None)


def target_fault(task: Task, name: str, stated: Mapping[str, StatedTarget] | None) -> str | None:
    """Why a task cannot learn the target, in words; None where it can, or where nothing is stated."""
    if stated is None:
        return None
    if name not in stated:
        return f"simulation.source.targets has no '{name}'{did_you_mean(name, stated)}; allowed: {', '.join(stated)}"
    form, forms = stated[name].form, LEARNED_FORMS.get(task.kind)
    if forms is None:
        return f"a {task.kind} has no target in a table; use another source or task"
    if getattr(stated[name], "optional", False):
        return f"'{name}' is optional: samples without it have nothing to learn; only auxiliary tasks leave them out"
    if form in forms:
        return None
    if form not in FORM_TASKS:
        return f"'{name}' has {form}, which only auxiliary tasks learn (models.<name>.auxiliary)"
    return f"'{name}' has {form}, a {task.kind} needs {' or '.join(forms)}; the task for {form} is {FORM_TASKS[form]}"
