"""The section of one grid: models that differ along axes, written once and expanded before anything is validated."""

from itertools import product
from string import Formatter
from typing import Any

from pydantic import Field, model_validator

from bevatron.config.sections.section import Name, Section
from bevatron.near_names import did_you_mean

Point = tuple[str, ...]


class GridFigure(Section):
    """Metrics of a grid's models against a number of their sections, such as a learning curve."""

    x: str = Field(
        description="key of a model's section whose number is the horizontal axis: training.samples, architecture.width"
    )
    x_title: str = Field(default="", description="the axis in words; default: the key")
    x_log: bool = Field(default=False, description="a logarithmic horizontal axis")
    axis: Name | None = Field(
        default=None,
        description="axis of the grid that a line joins; default: the first one. The others make the lines",
    )
    metrics: list[str] = Field(
        description="what is drawn: in one figure if the grid has one axis, else a panel for each", min_length=1
    )

    def x_of(self, model: Any) -> float:
        """The number of a model's section. ValueError: the key leads nowhere, or to no number."""
        value = model
        for key in self.x.split("."):
            value = getattr(value, key, None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"figure.x: '{self.x}' is no number of the model, found {value!r}")
        if self.x_log and value <= 0:
            raise ValueError(f"figure.x_log: '{self.x}' must be above 0, found {value!r}")
        return float(value)


class Grid(Section):
    """One model for each combination of the axes' values, named by them: `lstm_tracks`.

    A value holds what it changes of a model's section, merged over `model` in the order of the axes, and its own title.
    The first axis makes the columns of the report's table, the second its rows.
    """

    title: str = Field(
        description="title of each model, an axis in braces standing for its value's: '{technique} on {inputs}'"
    )
    caption: str = Field(default="", description="a sentence for the report's table")
    axes: dict[Name, dict[Name, dict[str, Any]]] = Field(
        description="by axis and value, the keys of a model's section that the value sets; its own 'title' in words",
        min_length=1,
    )
    model: dict[str, Any] = Field(default={}, description="keys of a model's section that all have in common")
    published: dict[str, dict[Name, Any]] = Field(
        default={},
        description="by metric and the axes' values, numbers of the literature: auc: {lstm: {tracks: 0.917}}",
    )
    figure: GridFigure | None = Field(default=None, description="metrics against a number of the models; default: none")

    @model_validator(mode="after")
    def _figure_has_its_axis(self) -> "Grid":
        axis = self.figure.axis if self.figure is not None else None
        if axis is not None and axis not in self.axes:
            near, allowed = did_you_mean(axis, self.axes), ", ".join(self.axes)
            raise ValueError(f"figure.axis: unknown axis '{axis}'{near}; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _named_axes_exist(self) -> "Grid":
        for axis, values in self.axes.items():
            if not values:
                raise ValueError(f"axes.{axis}: an axis needs a value at least")
        try:
            parts = [part for part in Formatter().parse(self.title) if part[1] is not None]
        except ValueError as error:
            raise ValueError(f"title: {error}") from None
        if formatted := [name for _, name, form, conversion in parts if form or conversion]:
            raise ValueError(f"title: an axis in braces stands alone, as '{{{formatted[0]}}}', without a format")
        if wrong := [name for _, name, _, _ in parts if name not in self.axes]:
            near, allowed = did_you_mean(wrong[0], self.axes), ", ".join(self.axes)
            raise ValueError(f"title: unknown axis '{wrong[0]}' in braces{near}; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _published_fits(self) -> "Grid":
        for metric, payload in self.published.items():
            _check_published(payload, list(self.axes.items()), f"published.{metric}")
        return self

    @property
    def points(self) -> list[Point]:
        """All combinations of the axes' values, the last axis running fastest."""
        return list(product(*self.axes.values()))

    def lines(self) -> dict[str, list[Point]]:
        """The points that the figure joins, by the other axes' values in words; one line, named '', without others."""
        assert self.figure is not None
        along = list(self.axes).index(self.figure.axis or next(iter(self.axes)))
        lines: dict[str, list[Point]] = {}
        for point in self.points:
            others = [(axis, v) for k, (axis, v) in enumerate(zip(self.axes, point, strict=True)) if k != along]
            lines.setdefault(", ".join(self.value_title(*other) for other in others), []).append(point)
        return lines

    def value_title(self, axis: str, value: str) -> str:
        """A value in words: its title, else its name."""
        return str(self.axes[axis][value].get("title", value.replace("_", " ")))

    def model_title(self, point: Point) -> str:
        """The title of the model at a combination of values."""
        return self.title.format(**{axis: self.value_title(axis, v) for axis, v in zip(self.axes, point, strict=True)})

    def published_at(self, point: Point) -> dict[str, float]:
        """The published metrics of one combination, by name."""
        metrics = {}
        for metric, payload in self.published.items():
            for value in point:
                payload = payload.get(value) if isinstance(payload, dict) else None
            if payload is not None:
                metrics[metric] = payload
        return metrics


def name_of(point: Point) -> str:
    """The name of the model at a combination of values."""
    return "_".join(point)


def _check_published(payload: Any, axes: list[tuple[str, dict]], location: str) -> None:
    if not axes:
        if isinstance(payload, bool) or not isinstance(payload, int | float):
            raise ValueError(f"{location}: must be a number, found {payload!r}")
        return
    (axis, values), *other_axes = axes
    if not isinstance(payload, dict):
        raise ValueError(f"{location}: must be a mapping by {axis}, found {payload!r}")
    for value, branch in payload.items():
        if value not in values:
            raise ValueError(
                f"{location}: unknown {axis} '{value}'{did_you_mean(value, values)}; allowed: {', '.join(values)}"
            )
        _check_published(branch, other_axes, f"{location}.{value}")
