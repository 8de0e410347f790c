"""A study's grids expanded to models before validation, so that whoever reads a study sees models only."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bevatron.config.loading.merge import merge
from bevatron.config.sections.grid import Grid, Point, name_of
from bevatron.errors import ConfigurationError

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class GridModel:
    """Where a model of a grid comes from: its grid, its point, and the parts merged over each other, the last first."""

    name: str
    grid: Grid
    point: Point
    parts: list[tuple[Place, dict[str, Any]]]


@dataclass
class GridExpansion:
    """A study's tree with the models of its grids, and the place in the file of every key of theirs."""

    payload: dict[str, Any]
    grid_models: dict[str, GridModel] = field(default_factory=dict)

    def locate(self, key: Place) -> Place:
        """Where a key of an expanded model stands in the file; any other place as it is."""
        if len(key) < 3 or key[0] != "models" or key[1] not in self.grid_models:
            return key
        model, path = self.grid_models[key[1]], key[2:]
        depths = [_depth(part, path) for _, part in model.parts]
        if max(depths, default=0) > 0:
            prefix, _ = model.parts[depths.index(max(depths))]
            return (*prefix, *path)
        for axis, value in zip(model.grid.axes, model.point, strict=True):
            if any(path[0] in other for other in model.grid.axes[axis].values()):  # this value forgot it
                return ("grids", model.name, "axes", axis, value, *path)
        return ("grids", model.name, "model", *path)


def expand_grids(payload: dict[str, Any], own_models: set[str], path: Path) -> GridExpansion:
    """`payload`, a study with its scale's overlay, with its grids' models in `models`.

    `own_models` are the models that the study has by itself. Others in `models` come from the scale: where a grid has
    such a model, they are merged over it. Grids with mistakes are left as they are, for validation to tell. Raises
    ConfigurationError for two models of one name.
    """
    grids, models = payload.get("grids") or {}, payload.get("models") or {}
    if not isinstance(grids, dict) or not isinstance(models, dict):
        return GridExpansion(payload)
    expansion, problems = GridExpansion(payload), []
    grid_models: dict[str, dict[str, Any]] = {}
    for grid_name, section in grids.items():
        try:
            grid = Grid.model_validate(section)
        except ValidationError:
            continue
        for point in grid.points:
            name = name_of(point)
            if name in own_models or name in grid_models:
                other = "models" if name in own_models else f"grids.{expansion.grid_models[name].name}"
                problems.append(f"{path}: grids.{grid_name}: its model '{name}' stands in {other} too; rename a value")
                continue
            override = models.get(name)
            expansion.grid_models[name] = GridModel(
                grid_name, grid, point, _parts(grid_name, grid, point, name, override)
            )
            grid_models[name] = _model(grid, point, override)
    if problems:
        raise ConfigurationError(problems)
    others = {name: section for name, section in models.items() if name not in grid_models}
    if grid_models:
        expansion.payload = {**payload, "models": {**others, **grid_models}}
    return expansion


def _model(grid: Grid, point: Point, override: Any) -> Any:
    model: Any = {"title": grid.model_title(point), **grid.model}
    if published := grid.published_at(point):
        model = merge(model, {"published": published})
    for axis, value in zip(grid.axes, point, strict=True):
        model = merge(model, _keys(grid.axes[axis][value]))
    return model if override is None else merge(model, override)


def _parts(grid_name: str, grid: Grid, point: Point, name: str, override: Any) -> list[tuple[Place, dict[str, Any]]]:
    parts: list[tuple[Place, dict[str, Any]]] = [(("models", name), override)] if isinstance(override, dict) else []
    for axis, value in reversed(list(zip(grid.axes, point, strict=True))):
        parts.append((("grids", grid_name, "axes", axis, value), _keys(grid.axes[axis][value])))
    return [*parts, (("grids", grid_name, "model"), grid.model)]


def _keys(value: dict[str, Any]) -> dict[str, Any]:
    """What a value changes of a model; its title is the value's own."""
    return {key: part for key, part in value.items() if key != "title"}


def _depth(part: Any, path: Place) -> int:
    """How many steps of `path` there are in `part`."""
    for depth, step in enumerate(path):
        branch: Any = part
        inside = step in part if isinstance(part, dict) else isinstance(part, list) and step in range(len(part))
        if not inside:
            return depth
        part = branch[step]
    return len(path)
