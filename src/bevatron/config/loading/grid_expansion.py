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

    tree: dict[str, Any]
    made: dict[str, GridModel] = field(default_factory=dict)

    def place(self, place: Place) -> Place:
        """Where a key of an expanded model stands in the file; any other place as it is."""
        if len(place) < 3 or place[0] != "models" or place[1] not in self.made:
            return place
        model, path = self.made[place[1]], place[2:]
        depths = [_depth(part, path) for _, part in model.parts]
        if max(depths, default=0) > 0:
            prefix, _ = model.parts[depths.index(max(depths))]
            return (*prefix, *path)
        for axis, value in zip(model.grid.axes, model.point, strict=True):
            if any(path[0] in other for other in model.grid.axes[axis].values()):  # this value forgot it
                return ("grids", model.name, "axes", axis, value, *path)
        return ("grids", model.name, "model", *path)


def expanded(tree: dict[str, Any], own: set[str], path: Path) -> GridExpansion:
    """`tree`, a study with its scale's overlay, with its grids' models in `models`.

    `own` are the models that the study has by itself. Others that stand in `models` come from the scale: where a grid
    has such a model, they are merged over it. Grids with mistakes are left as they are, for validation to tell. Raises
    ConfigurationError for two models of one name.
    """
    grids, models = tree.get("grids") or {}, tree.get("models") or {}
    if not isinstance(grids, dict) or not isinstance(models, dict):
        return GridExpansion(tree)
    found, wrong = GridExpansion(tree), []
    made: dict[str, dict[str, Any]] = {}
    for grid_name, section in grids.items():
        try:
            grid = Grid.model_validate(section)
        except ValidationError:
            continue
        for point in grid.points:
            name = name_of(point)
            if name in own or name in made:
                other = "models" if name in own else f"grids.{found.made[name].name}"
                wrong.append(f"{path}: grids.{grid_name}: its model '{name}' stands in {other} too; rename a value")
                continue
            overlay = models.get(name)
            found.made[name] = GridModel(grid_name, grid, point, _parts(grid_name, grid, point, name, overlay))
            made[name] = _model(grid, point, overlay)
    if wrong:
        raise ConfigurationError(wrong)
    others = {name: section for name, section in models.items() if name not in made}
    if made:
        found.tree = {**tree, "models": {**others, **made}}
    return found


def _model(grid: Grid, point: Point, overlay: Any) -> Any:
    model: Any = {"title": grid.model_title(point), **grid.model}
    if published := grid.published_at(point):
        model = merge(model, {"published": published})
    for axis, value in zip(grid.axes, point, strict=True):
        model = merge(model, _keys(grid.axes[axis][value]))
    return model if overlay is None else merge(model, overlay)


def _parts(grid_name: str, grid: Grid, point: Point, name: str, overlay: Any) -> list[tuple[Place, dict[str, Any]]]:
    parts: list[tuple[Place, dict[str, Any]]] = [(("models", name), overlay)] if isinstance(overlay, dict) else []
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
