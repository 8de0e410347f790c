"""Whether networks were trained with the settings that the study has now."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.store.records.runs import RunsRecord

# What says how a model is shown, or how often its training is saved, and not what it learns.
IRRELEVANT = {"search": True, "title": True, "published": True, "training": {"checkpoint_seconds"}}


def check_trained_settings(study: Study, name: str, runs: RunsRecord, path: Path) -> None:
    """Raises UserError unless the runs of `path` have the model's settings; the number of seeds may be another.

    Snakemake trains again when settings change between two of its calls, but not when they change during one. Values
    that a search has found are not compared, as the study does not have them.
    """
    model = study.models[name]
    if model.search is not None:
        return
    try:
        trained = Model.model_validate(runs.settings)  # a setting that is new since then has its default value
    except ValidationError:
        what = "trained with settings that this version does not know"
        raise UserError(path, f"holds networks that were {what}", _again(study, name)) from None
    for key, then, now in _different(_settings(trained), _settings(model)):
        what = f"trained with other settings: {key} was {then}, and is {now} in the study"
        raise UserError(path, f"holds networks that were {what}", _again(study, name))


def _settings(model: Model) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude=IRRELEVANT)


def _different(then: Any, now: Any, key: str = "") -> list[tuple[str, Any, Any]]:
    """The settings that differ: their key, and both values."""
    if not isinstance(then, dict) or not isinstance(now, dict):
        return [] if then == now else [(key, then, now)]
    names = [*then, *(name for name in now if name not in then)]
    found = [_different(then.get(name), now.get(name), f"{key}.{name}" if key else name) for name in names]
    return [difference for some in found for difference in some]


def _again(study: Study, name: str) -> str:
    return f"run `bevatron train {study.name} {name}` again"
