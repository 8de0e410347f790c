"""Settings, versions, machines and digests that differ between the same study of two reports."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bevatron.report.differences.recorded import RunPart, StudyContent

NOT_SET = object()
DIGESTS = ("config_digest", "raw_digest", "dataset_digest", "manifest_sha256", "simulation_seed")
ENVIRONMENT = ("device", "processor", "capability", "threads", "workers", "strategy")


@dataclass(frozen=True)
class SettingChange:
    """What differs: a key, its values in A and B ('' where it is not set), and the studies in which it does."""

    key: str
    a: str
    b: str
    studies: tuple[str, ...]


def compare_settings(a: StudyContent, b: StudyContent) -> list[SettingChange]:
    """Settings by their key; of models with the values that a search found. Of what one side lacks altogether,
    nothing is said: `settings_unknown` lists it.
    """
    changes = []
    if a.part.settings is not None and b.part.settings is not None:
        changes += _compare_trees(a.name, a.part.settings, b.part.settings)
    for name, model in a.part.models.items():
        other = b.part.models.get(name)
        if other is not None and model.settings is not None and other.settings is not None:
            changes += _compare_trees(a.name, model.settings, other.settings, f"models.{name}")
    names = dict.fromkeys([*a.part.models, *b.part.models]) if a.part.models and b.part.models else {}
    for name in names:
        of_a, of_b = ("there" if name in side.part.models else "" for side in (a, b))
        changes += [SettingChange(f"models.{name}", of_a, of_b, (a.name,))] if of_a != of_b else []
    return changes


def settings_unknown(study: StudyContent) -> str:
    """Which settings a side does not have, in words; '' where it has all."""
    if not study.part.models and study.part.settings is None:
        return "settings"
    models = [name for name, model in study.part.models.items() if model.settings is None]
    if study.part.settings is None:
        return "settings" if models else "settings, but for those of the models"
    return f"settings of {', '.join(models)}" if models else ""


def compare_scales_and_code(a: StudyContent, b: StudyContent) -> list[SettingChange]:
    """The scale, and the versions of source, recipe and division into splits."""
    of_a: dict[str, Any] = {}
    of_b: dict[str, Any] = {}
    if a.part.scale is not None and b.part.scale is not None:
        of_a, of_b = {"scale": a.part.scale}, {"scale": b.part.scale}
    if a.part.code_versions is not None and b.part.code_versions is not None:
        of_a |= {f"version of the {key}": version for key, version in a.part.code_versions.items()}
        of_b |= {f"version of the {key}": version for key, version in b.part.code_versions.items()}
    return _compare_trees(a.name, of_a, of_b, split=False)


def compare_digests(a: StudyContent, b: StudyContent) -> list[SettingChange]:
    """Digests and the seed of the simulation, those that both sides have."""
    changes = []
    for key in DIGESTS:
        of_a, of_b = getattr(a.part, key), getattr(b.part, key)
        if of_a is not None and of_b is not None and of_a != of_b:
            changes.append(SettingChange(key, str(of_a), str(of_b), (a.name,)))
    return changes


def compare_software(a: StudyContent, b: StudyContent) -> list[SettingChange]:
    """Versions of packages by stage, and what trainings ran on; of what only one side records, nothing is said."""
    of_a, of_b = _software(a), _software(b)
    return [
        SettingChange(key, _join(of_a[key]), _join(of_b[key]), (a.name,))
        for key in of_a
        if key in of_b and set(of_a[key]) != set(of_b[key])
    ]


def merge_studies(changes: Iterable[SettingChange]) -> list[SettingChange]:
    """The same change of several studies becomes one, in the order of the first."""
    studies: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        studies.setdefault((change.key, change.a, change.b), []).extend(change.studies)
    return [SettingChange(*what, tuple(dict.fromkeys(names))) for what, names in studies.items()]


def merge_stages(changes: Iterable[SettingChange]) -> list[SettingChange]:
    """The same change of a package in several stages becomes one line: 'torch (training, evaluation)'."""
    stages: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for change in changes:
        package, _, stage = change.key.partition(" in ")
        stages.setdefault((package, change.a, change.b, change.studies), []).append(stage)
    return [
        SettingChange(f"{package} ({', '.join(found)})" if any(found) else package, a, b, studies)
        for (package, a, b, studies), found in stages.items()
    ]


def _software(study: StudyContent) -> dict[str, list[str]]:
    """Every version of each package in each stage, and every device, processor and so on of the trainings."""
    found: dict[str, dict[str, None]] = {}

    def add(stage: str, versions: dict[str, Any]) -> None:
        for package, version in versions.items():
            found.setdefault(f"{package} in {stage}", {})[str(version)] = None

    add("simulation", study.part.simulation_versions)
    add("observables", study.part.observed_with)
    for model in study.part.models.values():
        for run in model.runs:
            add("training", run.versions)
            for key, value in _environment_of(run):
                found.setdefault(key, {})[value] = None
        add("evaluation", model.evaluated_with)
    add("report", study.report_versions)
    return {key: list(values) for key, values in found.items()}


def _environment_of(run: RunPart) -> Iterable[tuple[str, str]]:
    if run.order is not None:
        yield "order of the samples", run.order
    for environment in run.environments:
        for key in ENVIRONMENT:
            if key in environment:
                yield key, str(environment[key]) or "none"


def _join(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


def _compare_trees(study: str, a: Any, b: Any, start: str = "", split: bool = True) -> list[SettingChange]:
    of_a, of_b = (dict(_leaves(side, start, split)) for side in (a, b))
    return [
        SettingChange(key, _text(of_a.get(key, NOT_SET)), _text(of_b.get(key, NOT_SET)), (study,))
        for key in dict.fromkeys([*of_a, *of_b])
        if _text(of_a.get(key, NOT_SET)) != _text(of_b.get(key, NOT_SET))
    ]


def _leaves(value: Any, key: str, split: bool) -> Iterable[tuple[str, Any]]:
    """Every value with its key path. A list of plain values is one value; of mappings, each has its id or its place."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _leaves(part, f"{key}.{name}" if key else str(name), split)
    elif split and isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        names = [part.get("id") for part in value]
        by_id = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
        for k, part in enumerate(value):
            yield from _leaves(part, f"{key}[{names[k] if by_id else k}]", split)
    else:
        yield key, value


def _text(value: Any) -> str:
    """The value as YAML writes it in one line."""
    import json

    if value is NOT_SET:
        return ""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
