"""A study: one question, one file in `config/studies/`."""

from pydantic import Field, model_validator

from bevatron.config.loading.auxiliary_fault import auxiliary_fault
from bevatron.config.loading.kinds import ARCHITECTURES, SOURCES
from bevatron.config.sections.application import APPLIED_TASKS, Application
from bevatron.config.sections.claim import Claim
from bevatron.config.sections.data_part import DataPart, stated_targets, target_fault
from bevatron.config.sections.grid import Grid, name_of
from bevatron.config.sections.model import Model
from bevatron.config.sections.section import Name
from bevatron.config.sections.task import Classification
from bevatron.near_names import did_you_mean

NUMBERS = (
    "classification",
    "regression",
    "classification_2d",
    "multi_label",
)  # tasks of architectures that name none: numbers of a sample


class Study(DataPart):
    """One question: source, dataset, task, models, search, claims."""

    models: dict[Name, Model] = Field(default={}, description="the networks compared, by name")
    grids: dict[Name, Grid] = Field(
        default={}, description="networks that differ along axes, expanded into models, by name"
    )
    claims: list[Claim] = Field(default=[], description="statements decided by the measured metrics")
    apply: dict[Name, Application] = Field(
        default={}, exclude=True, description="files that the models score, by name; made by the target `apply` alone"
    )

    @model_validator(mode="after")
    def _models_fit_the_task(self) -> "Study":
        for name, model in self.models.items():
            kind = model.architecture.kind
            tasks = getattr(ARCHITECTURES[kind], "TASKS", NUMBERS)
            if self.task.kind not in tasks:
                raise ValueError(f"models.{name}.architecture: '{kind}' is for the task {' or '.join(tasks)} alone")
            if getattr(ARCHITECTURES[kind], "PHYSICAL", False) and model.normalise != "none":
                raise ValueError(f"models.{name}.normalise: '{kind}' needs 'none', as it gives its inputs back")
            if self.task.kind in ("detection", "segmentation") and model.target not in (None, self.task.target):
                raise ValueError(f"models.{name}.target: a {self.task.kind} has one target, '{self.task.target}'")
            if model.target is not None and (fault := target_fault(self.task, model.target, stated_targets(self))):
                raise ValueError(f"models.{name}.target: {fault}")
            if fault := auxiliary_fault(model, stated_targets(self)):
                raise ValueError(f"models.{name}.{fault}")
            if self.task.kind == "multi_label" and model.target not in (None, self.task.target):
                raise ValueError(f"models.{name}.target: a multi_label has one target, '{self.task.target}'")
            if model.class_subset is None:
                continue
            if self.task.kind != "classification":
                raise ValueError(f"models.{name}.class_subset: only a classification has classes to ask for")
            for asked in model.class_subset:
                if asked not in self.task.classes:
                    allowed, near = ", ".join(self.task.classes), did_you_mean(asked, self.task.classes)
                    raise ValueError(f"models.{name}.class_subset: unknown class '{asked}'{near}; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _committees_can_be_made(self) -> "Study":
        for name, model in self.models.items():
            where = f"models.{name}.architecture.members"
            for member in model.members:
                if member not in self.models:
                    near = did_you_mean(member, self.models)
                    raise ValueError(f"{where}: unknown model '{member}'{near}; allowed: {', '.join(self.models)}")
            if len(set(model.members)) < len(model.members):
                raise ValueError(f"{where}: a model stands twice in {', '.join(model.members)}")
        for name in self.models:
            if circle := self._circle_of((name,)):
                raise ValueError(f"models.{name}.architecture.members: goes round in a circle: {' > '.join(circle)}")
        for name, model in self.models.items():
            read = list(dict.fromkeys(group for member in model.members for group in self.models[member].inputs))
            if read and set(read) != set(model.inputs):
                raise ValueError(f"models.{name}.inputs: must be those of the members together: {', '.join(read)}")
        return self

    def _circle_of(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """The way from a committee to a member, and so on, that comes back to a committee on it; empty if none does."""
        for member in self.models[path[-1]].members:
            circle = (*path, member) if member in path else self._circle_of((*path, member))
            if circle:
                return circle
        return ()

    @model_validator(mode="after")
    def _figures_of_grids_have_their_numbers(self) -> "Study":
        for name, grid in self.grids.items():
            figure = grid.figure
            if figure is None:
                continue
            for point in grid.points:
                try:
                    figure.x_of(self.models[name_of(point)])
                except ValueError as error:
                    raise ValueError(f"grids.{name}.{error} for '{name_of(point)}'") from None
        return self

    @model_validator(mode="after")
    def _has_models(self) -> "Study":
        if not self.models:
            raise ValueError("models: a study needs one at least, here or in grids")
        return self

    @model_validator(mode="after")
    def _claims_are_distinct(self) -> "Study":
        seen: set[str] = set()
        for claim in self.claims:
            if claim.id in seen:
                raise ValueError(f"claims: the id '{claim.id}' stands twice")
            seen.add(claim.id)
        return self

    @model_validator(mode="after")
    def _classes_are_the_tasks(self) -> "Study":
        classes = self.task.classes if isinstance(self.task, Classification) else []
        of_samples = ", one for each sample" if self.task.kind == "detection" else ""
        for name, model in self.models.items():
            training, location = model.training, f"models.{name}.training"
            for label in training.class_ratio or ():
                if label not in classes:
                    allowed = ", ".join(classes) or f"none, as the task has no classes{of_samples}"
                    near = did_you_mean(label, classes)
                    raise ValueError(f"{location}.class_ratio: unknown class '{label}'{near}; allowed: {allowed}")
            if training.adversarial is not None and self.task.kind != "classification":
                raise ValueError(f"{location}.adversarial: only a classification has adversarial examples")
            for key, plain in (("sample_order", "shuffled"), ("balance", "none")):
                if self.task.kind == "segmentation" and key == "balance" and training.balance == "weights":
                    continue  # of the pixels' classes
                if getattr(training, key) != plain and not classes:
                    raise ValueError(
                        f"{location}.{key}: '{getattr(training, key)}' needs a task with classes{of_samples}"
                    )
        return self

    @model_validator(mode="after")
    def _what_is_applied_is_there(self) -> "Study":
        for name, application in self.apply.items():
            if self.task.kind not in APPLIED_TASKS:
                raise ValueError(f"apply.{name}: a {self.task.kind} has no scores of an event")
            if application.logits and self.task.kind not in ("classification", "multi_label"):
                raise ValueError(f"apply.{name}.logits: a {self.task.kind} has none")
            for model in application.models:
                if model not in self.models:
                    allowed, near = ", ".join(self.models), did_you_mean(model, self.models)
                    raise ValueError(f"apply.{name}.models: unknown model '{model}'{near}; allowed: {allowed}")
            if application.seed is not None and application.seed >= self.n_seeds:
                raise ValueError(f"apply.{name}.seed: there are {self.n_seeds} seeds, from 0")
            if not application.files and hasattr(SOURCES[self.simulation.source.kind], "read_unlabelled"):
                raise ValueError(f"apply.{name}.files: name one at least")
            if application.all_folds and self.dataset.folds is None:
                raise ValueError(f"apply.{name}.all_folds: the study has no folds")
            if self.dataset.folds is not None and not application.all_folds and self._events_have_no_number:
                raise ValueError(
                    f"apply.{name}: without simulation.source.id the fold of an event in a file is not known; give an "
                    "id, or set all_folds for events of no training"
                )
        return self

    @property
    def _events_have_no_number(self) -> bool:
        source = self.simulation.source
        return hasattr(SOURCES[source.kind], "read_unlabelled") and not getattr(source, "id", [])

    @model_validator(mode="after")
    def _what_is_looked_into_is_there(self) -> "Study":
        importance, reference = self.evaluation.importance, self.evaluation.reference
        attacks = getattr(self.task, "attacks", None)
        least_change = attacks.least_change if attacks is not None else None
        for key, names in (
            ("evaluation.inspect_layers", self.evaluation.inspect_layers),
            ("evaluation.filter_tuning", self.evaluation.filter_tuning),
            ("evaluation.check_gradients", self.evaluation.check_gradients),
            ("evaluation.importance.models", importance.models if importance is not None else []),
            ("evaluation.reference", [reference] if reference is not None else []),
            ("task.attacks.models", attacks.models if attacks is not None else []),
            ("task.attacks.least_change.models", least_change.models if least_change is not None else []),
        ):
            for name in names:
                if name not in self.models:
                    near, allowed = did_you_mean(name, self.models), ", ".join(self.models)
                    raise ValueError(f"{key}: unknown model '{name}'{near}; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _tests_name_what_is_there(self) -> "Study":
        names = {"models": self.models, "observables": self.evaluation.observables, "variations": self.variations}
        for word, known in names.items() if not self.variation else ():
            for claim in self.claims:
                for name in getattr(claim.test, word, list)():
                    if name not in known:
                        allowed = ", ".join(known) or "none"
                        what = f"unknown {word[:-1]} '{name}'{did_you_mean(name, known)}"
                        raise ValueError(f"claims.{claim.id}: {what}; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _no_test_compares_a_model_with_what_it_learned_from(self) -> "Study":
        """A model has learned from the training samples that an observable of all splits is measured on: how its metric
        varies with them is in no bootstrap, and so not in the error of their difference.
        """
        of_all = {name for name, observable in self.evaluation.observables.items() if observable.samples == "all"}
        for claim in self.claims if of_all else ():
            observed = sorted(of_all & set(getattr(claim.test, "observables", list)()))
            models = getattr(claim.test, "models", list)()
            if observed and models:
                raise ValueError(
                    f"claims.{claim.id}: compares the model '{models[0]}' with the observable '{observed[0]}', whose "
                    "'samples: all' holds what the model has learned from; give that observable 'samples: test'"
                )
        return self
