"""The mapping of a table as a study's file states it: what is an input, what is learned, what is kept beside."""

from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    field_serializer,
    model_validator,
)

from bevatron.config.sections.section import Count, Name, Positive, Real, Section, WithLaterKeys
from bevatron.near_names import did_you_mean
from bevatron.simulate.mapping.missing_keys import check_indicators, check_missing


def _as_text(value: Any) -> Any:
    """A name or a number stands for itself: YAML reads `1` and `true` as no texts."""
    return str(value) if isinstance(value, bool | int | float) else value


Formula = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=10_000)]
TargetForm = Literal["value", "values", "classes", "labels", "element_classes", "element_index"]
OF_ELEMENTS = ("element_classes", "element_index")  # forms of targets with a number for each element of a list
Formulas = dict[Annotated[str, Field(min_length=1, max_length=200)], Formula]


def _named(value: Any) -> Any:
    """A list of columns is each column by its own name."""
    return {str(name): name for name in value} if isinstance(value, list) else value


ByName = BeforeValidator(_named, json_schema_input_type=dict[str, str | float] | list[str | float])


Listed = BeforeValidator(lambda v: v if isinstance(v, list) else [v], json_schema_input_type=str | list[str])


def _paired(value: Any) -> Any:
    """Pairs of name and expression, as `TableTarget` gives its classes to JSON."""
    pairs = isinstance(value, list) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value)
    return dict(value) if pairs else value


class TableGroup(WithLaterKeys):
    """An input group: what a network reads of a sample."""

    LATER: ClassVar[tuple[str, ...]] = ("crop", "averaged")

    layout: Literal["sample", "list", "image"] = Field(
        default="sample", description="numbers of the sample; a list of elements, each with numbers; or an image"
    )
    features: Annotated[Formulas, ByName] = Field(
        default={}, description="by name, the expression of each feature; a list of columns keeps their names"
    )
    units: dict[str, str] = Field(default={}, description="units of the features, GeV for example")
    exists: Formula | None = Field(
        default=None, description="of columns that are padded to a fixed length: which elements exist"
    )
    length: Formula | None = Field(
        default=None,
        description="of columns that are padded to a fixed length: how many elements exist, from the first",
    )
    padding: Real | None = Field(
        default=None,
        description="of columns that are padded to a fixed length: elements whose first feature has this value do not "
        "exist",
    )
    select: Formula | None = Field(default=None, description="which of the elements are kept")
    order_by: Formula | None = Field(
        default=None, description="elements come by rising values of this; -pt: by falling pt"
    )
    max_length: Count | None = Field(default=None, description="only so many elements are kept, the first ones")
    column: str | None = Field(default=None, description="of images: the column that holds them")
    channels: Literal["first", "last", "none"] = Field(
        default="none", description="of images: where the axis of the channels is, if there is one"
    )
    scale: Positive = Field(default=1.0, description="of images: values are multiplied by it, 1/255 for bytes")
    crop: Count | None = Field(
        default=None, description="of images: only the middle is kept, so many pixels along each side; default: all"
    )
    averaged: Count = Field(
        default=1, description="of images: the mean of so many pixels along each side becomes one pixel"
    )

    @model_validator(mode="after")
    def _fits_the_layout(self) -> "TableGroup":
        of_lists = ("exists", "length", "padding", "select", "order_by", "max_length")
        given = [name for name in of_lists if getattr(self, name) is not None]
        if given and self.layout != "list":
            raise ValueError(f"{given[0]}: only a list has elements; set layout: list")
        if sum(getattr(self, name) is not None for name in ("exists", "length", "padding")) > 1:
            raise ValueError("exists, length, padding: give one of them")
        if (self.layout == "image") != (self.column is not None):
            raise ValueError("column: an image has a column, and nothing else has")
        if self.layout != "image" and (self.crop is not None or self.averaged != 1):
            raise ValueError(f"{'averaged' if self.crop is None else 'crop'}: only an image has pixels")
        if (self.layout == "image") == bool(self.features):
            raise ValueError("features: missing" if not self.features else "features: an image has none")
        if unknown := sorted(set(self.units) - set(self.features)):
            raise ValueError(f"units: '{unknown[0]}' is no feature; features: {', '.join(self.features)}")
        return self


class TableTarget(WithLaterKeys):
    """What can be learned of a sample, or of each element of its list `group`: one of the keys."""

    LATER: ClassVar[tuple[str, ...]] = ("files", "group", "element_classes", "element_index", "optional")

    value: Formula | None = Field(default=None, description="a number")
    values: Annotated[Formulas | None, ByName] = Field(default=None, description="several numbers, by name")
    classes: Annotated[Formulas | None, BeforeValidator(_paired)] = Field(
        default=None,
        description="by name of the class, the expression that is true, or not 0, for its samples; numbered in this "
        "order",
    )
    files: Annotated[dict[Name, Annotated[list[str], Listed]] | None, BeforeValidator(_paired)] = Field(
        default=None,
        description="by name of the class, patterns (*, ?) of the names of the files whose samples are of it; numbered "
        "in this order. A pattern may begin with folders",
    )
    labels: Formulas | None = Field(
        default=None,
        description="by name, expressions of which any number may be true: labels that do not exclude one another",
    )
    group: Name | None = Field(
        default=None, description="of targets of elements: the list whose elements they are, in `groups`"
    )
    element_classes: Annotated[Formulas | None, BeforeValidator(_paired)] = Field(
        default=None,
        description="by name of the class, the expression that is true, or not 0, for its elements; numbered in this "
        "order",
    )
    element_index: Formula | None = Field(
        default=None,
        description="the number of what each element comes from, a vertex, within its sample; negative where it comes "
        "from none",
    )
    others: Literal["refuse", "drop"] = Field(
        default="refuse",
        description="samples of none of the classes: an error, or left out; elements of none: an error, or kept "
        "without a class",
    )
    optional: bool = Field(
        default=False,
        description="of numbers: NaN says that a sample has none, and is no error; for auxiliary tasks alone",
    )

    @model_validator(mode="after")
    def _is_one_of_them(self) -> "TableTarget":
        keys = ("value", "values", "classes", "files", "labels", *OF_ELEMENTS)
        if sum(getattr(self, key) is not None for key in keys) != 1:
            raise ValueError(f"give one of {', '.join(keys)}")
        if (self.form in OF_ELEMENTS) != (self.group is not None):
            what = "missing; name the list whose elements these are" if self.group is None else "of elements alone"
            raise ValueError(f"group: {what}")
        if self.optional and self.form not in ("value", "values"):
            raise ValueError(f"optional: only numbers may be missing, not {self.form}")
        for key in ("classes", "files", "element_classes"):
            if getattr(self, key) is not None and len(getattr(self, key)) < 2:
                raise ValueError(f"{key}: name two classes at least")
        if empty := [name for name, patterns in (self.files or {}).items() if not all(patterns) or not patterns]:
            raise ValueError(f"files.{empty[0]}: name a file, or a pattern of files")
        for part in (*self.parts, *(self.element_classes or ())):
            if not part.isprintable() or part != part.strip():
                raise ValueError(f"the name {part!r} has signs or spaces that cannot be shown; choose another")
        for key in ("values", "labels"):
            if getattr(self, key) == {}:
                raise ValueError(f"{key}: name one at least")
        return self

    @field_serializer("classes", "files", "element_classes", when_used="json")
    def _in_their_order(self, classes: dict[str, Any] | None) -> list[list[Any]] | None:
        """The order numbers the classes, so it belongs into digests, which sort the keys of mappings."""
        return None if classes is None else [[name, of_class] for name, of_class in classes.items()]

    @property
    def form(self) -> TargetForm:
        """What a sample has of it, by the key that states it; files state classes."""
        if self.files is not None:
            return "classes"
        forms: tuple[TargetForm, ...] = (
            "value",
            "values",
            "classes",
            "labels",
            "element_classes",
            "element_index",
        )
        return next(form for form in forms if getattr(self, form) is not None)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its numbers, where it has several: values or labels."""
        return tuple(self.values or self.labels or ())

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of its classes in the order of their numbers; none without classes."""
        return tuple(self.classes or self.files or self.element_classes or ())

    def classes_of_file(self, file: str) -> list[str]:
        """The classes whose patterns a file's path matches, from its end."""
        path = PurePath(file)
        return [
            name
            for name, patterns in (self.files or {}).items()
            if any(file == pattern or path.match(pattern) for pattern in patterns)
        ]


class Missing(Section):
    """What becomes of values that are not finite."""

    policy: Literal["refuse", "constant", "mean"] = Field(
        default="refuse",
        description="an error; a constant; or the feature's mean over the training split, with a further feature "
        "<name>_missing that is 1 where it was missing",
    )
    constant: Real = Field(default=0.0, description="with the policy 'constant', the value")
    values: list[Real] = Field(default=[], description="further values that stand for a missing one, -999 for example")


class Mapping(WithLaterKeys):
    """Groups, targets and what is kept beside them."""

    LATER: ClassVar[tuple[str, ...]] = ("splits", "shift")

    selection: Formula | None = Field(default=None, description="which samples are used; default: all")
    test_selection: Formula | None = Field(
        default=None, description="which samples are tested on; default: those of `selection`"
    )
    shift: Formulas = Field(
        default={},
        description="columns of the files that are replaced before anything else sees them, by name: jet_pt: 1.01 * "
        "jet_pt. The expressions see the columns as they are in the files; meant for `variations`",
    )
    splits: dict[Literal["train", "val", "test"], Formula] = Field(
        default={},
        description="by split, which samples are in it, where the data say so; those of none are left out. Default: by "
        "`dataset.split`",
    )
    derived: Formulas = Field(default={}, description="further columns by name; each may use those before it")
    groups: dict[Name, TableGroup] = Field(description="the input groups by name", min_length=1)
    targets: dict[Name, TableTarget] = Field(description="what can be learned, by name", min_length=1)
    weight: Formula | None = Field(default=None, description="the weight of a sample")
    id: Annotated[list[Formula], Listed] = Field(
        default=[],
        description="what numbers the event of a sample: one column, or several that do so together (run, event); "
        "samples of one event stay in one split. Default: each sample is an event",
    )
    observers: Annotated[Formulas, ByName] = Field(
        default={}, description="carried to the predictions, never to a network, by name"
    )
    missing: dict[str, Missing] = Field(
        default={},
        description="by feature (`group.feature`), by group, or 'all': what becomes of values that are not finite",
    )

    @model_validator(mode="after")
    def _shifts_columns_of_the_files(self) -> "Mapping":
        if both := [name for name in self.shift if name in self.derived]:
            raise ValueError(f"shift.{both[0]}: is a derived column; shift the columns behind it, or change derived")
        return self

    @model_validator(mode="after")
    def _targets_of_elements_have_a_list(self) -> "Mapping":
        lists = [name for name, group in self.groups.items() if group.layout == "list"]
        for name, target in self.targets.items():
            if target.group is not None and target.group not in lists:
                near, allowed = did_you_mean(target.group, lists), ", ".join(lists) or "none"
                raise ValueError(f"targets.{name}.group: '{target.group}' is no list{near}; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _knows_its_features(self) -> "Mapping":
        if self.splits and len(self.splits) < 3:
            (first, *_) = (name for name in ("train", "val", "test") if name not in self.splits)
            raise ValueError(f"splits: {first} is missing; give an expression for train, val and test")
        check_missing(self.missing, {name: list(group.features) for name, group in self.groups.items()})
        check_indicators(self.missing, {name: list(group.features) for name, group in self.groups.items()})
        return self
