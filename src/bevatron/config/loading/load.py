"""Reading the configuration's files: YAML, the scale's overlay, validation, and errors a person can act on."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from bevatron.config.loading import project_modules
from bevatron.config.loading.grid_expansion import GridExpansion, expand_grids
from bevatron.config.loading.merge import merge
from bevatron.config.loading.validation_errors import format_errors
from bevatron.config.loading.yaml_text import YAML_BYTES, parse_yaml
from bevatron.config.sections.data_part import DataPart
from bevatron.config.sections.section import Section
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import ConfigurationError, UserError
from bevatron.near_names import did_you_mean
from bevatron.regular_files import is_file, read_text

SCALES = ("demo", "laptop", "paper")
OVERRIDES = ("scale", "studies")  # keys of the workflow's file that Snakemake's --config may change
TEMPLATES = "__use_yte__"  # by this key Snakemake takes a file for a template with Python expressions
LEARNED = set(Study.model_fields) - set(DataPart.model_fields)
DataPartT = TypeVar("DataPartT", bound=DataPart)


def load_workflow(path: Path, **changes: Any) -> Workflow:
    """The workflow's file, with the given top-level keys changed; from then on, the modules that it names are found."""
    payload = read_yaml(path)
    payload.update({key: value for key, value in changes.items() if value is not None})
    workflow = validate_section(Workflow, payload, path)
    project = path.absolute().parent.parent
    project_modules.use_modules(None if workflow.modules is None else project / workflow.modules, path)
    return workflow


def check_plain(path: Path) -> None:
    """Raises UserError where the file at `path` asks Snakemake to run the code in it, before Snakemake reads it."""
    if TEMPLATES in read_yaml(path):
        raise UserError(path, f"asks by '{TEMPLATES}' to run code in it", "write plain values, and take the key away")


def check_overrides(config: dict[str, Any], path: Path, configfiles: Sequence[Path] = ()) -> None:
    """Raises UserError where Snakemake's `config` differs from the workflow's file at `path` in more than OVERRIDES.

    Jobs read the file: what `--config` and `--configfile` say of other keys would be ignored. configfiles: those of
    `--configfile`, which Snakemake has read: it keeps the last of two equal keys without a word.
    """
    for configfile in configfiles:
        read_yaml(configfile)
    payload = read_yaml(path)
    as_read_by_snakemake = yaml.safe_load(read_text(path, YAML_BYTES))  # YAML 1.1: there `off` is false
    known = [(key, _canonical(value)) for tree in (payload, as_read_by_snakemake) for key, value in tree.items()]
    changed = [key for key, value in config.items() if (key, _canonical(value)) not in known]
    other = sorted(str(key) for key in changed if key not in OVERRIDES)
    where = "--config or --configfile"
    if other:
        near = difflib.get_close_matches(other[0], OVERRIDES, n=1)
        hint = f"did you mean '{near[0]}'? " if near and other[0] not in Workflow.model_fields else ""
        what = f"only {' and '.join(OVERRIDES)} can be given there, found {', '.join(other)}"
        raise UserError(where, what, f"{hint}write other keys in {path}")
    if empty := [key for key in changed if config[key] is None]:
        raise UserError(where, f"{empty[0]}: has no value", "give one, or leave the key out")


def _canonical(value: Any) -> str:
    """A text in which true, 1 and 1.0 differ."""
    return repr(sorted(value.items()) if isinstance(value, dict) else value)


def load_study(name: str, scale: str, folder: Path) -> Study:
    """The study's file in `folder` with the values of `scale` merged over it, and its grids expanded to models."""
    path, payload = _study_file(name, folder)
    own = payload.get("models")
    expansion = expand_grids(apply_scale(payload, scale, path), set(own) if isinstance(own, dict) else set(), path)
    return _check_name(validate_section(Study, expansion.payload, path, expansion), path)


def load_data_part(name: str, scale: str, folder: Path) -> DataPart:
    """The same without models, grids and claims, and without the time that PyTorch takes to be imported for them."""
    path, payload = _study_file(name, folder)
    settings = {key: value for key, value in apply_scale(payload, scale, path).items() if key not in LEARNED}
    return _check_name(validate_section(DataPart, settings, path), path)


def _study_file(name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    path = folder / f"{name}.yaml"
    if not is_file(path):
        known = sorted(p.stem for p in folder.glob("*.yaml"))
        what = f"there is no study '{name}'{did_you_mean(name, known)}"
        raise UserError(path, what, f"studies found in {folder}: {', '.join(known) or 'none'}")
    return path, read_yaml(path)


def _check_name(study: DataPartT, path: Path) -> DataPartT:
    if study.name != path.stem:
        raise ConfigurationError([f"{path}: name: must be the file's own name '{path.stem}', found '{study.name}'"])
    return study


def find_validation_errors(workflow_file: Path, studies_folder: Path) -> list[str]:
    """Every mistake in the workflow's file and in all studies at all scales, a line each, without repetition."""
    lines: list[str] = []

    def attempt(load, *arguments) -> None:
        try:
            load(*arguments)
        except ConfigurationError as error:
            lines.extend(error.lines)
        except UserError as error:
            lines.append(str(error))

    attempt(load_workflow, workflow_file)
    for name in project_modules.module_names():
        attempt(project_modules.import_module, name)
    try:
        names_listed = read_yaml(workflow_file).get("studies") or []
    except UserError:
        names_listed = []
    names = {path.stem for path in studies_folder.glob("*.yaml")} | {n for n in names_listed if isinstance(n, str)}
    for name in sorted(names):
        for scale in SCALES:
            attempt(load_study, name, scale, studies_folder)
    return list(dict.fromkeys(lines))


def apply_scale(payload: dict[str, Any], scale: str, path: Path) -> dict[str, Any]:
    """The study's tree with `scales.<scale>` merged over it: mappings key by key, anything else replaced.

    A study without sizes for a laptop has those of its demo, and not the published ones.
    """
    payload = dict(payload)
    overlays = payload.pop("scales", None) or {}
    if not isinstance(overlays, dict) or set(overlays) - set(SCALES):
        unknown = sorted(map(str, set(overlays) - set(SCALES))) if isinstance(overlays, dict) else []
        found = f"unknown scale '{unknown[0]}'{did_you_mean(unknown[0], SCALES)}" if unknown else "expected a mapping"
        raise ConfigurationError([f"{path}: scales: {found}; allowed: {', '.join(SCALES)}"])
    if scale == "laptop" and scale not in overlays:
        scale = "demo"
    overlay = overlays.get(scale)
    if not isinstance(overlay, dict | None):
        raise ConfigurationError([f"{path}: scales.{scale}: expected a mapping, found {type(overlay).__name__}"])
    return merge(payload, overlay or {})


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping; raises UserError, naming the line, for anything else."""
    try:
        text = read_text(path, YAML_BYTES)
    except FileNotFoundError:
        raise UserError(path, "no such file", "name another with --config") from None
    except UnicodeDecodeError as error:
        raise UserError(path, f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    return parse_mapping(text, path)


def parse_mapping(text: str, path: Path) -> dict[str, Any]:
    """The YAML mapping in a text that was read from `path`; raises UserError, naming the line, for anything else."""
    try:
        payload = parse_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        location = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise UserError(location, f"is not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(payload, dict):
        raise UserError(path, f"expected a mapping of keys, found {type(payload).__name__}")
    return payload


def validate_section(
    schema: type[Section], payload: dict[str, Any], path: Path, grids: GridExpansion | None = None
) -> Any:
    """`payload` as a section; raises ConfigurationError with a line for each mistake, naming its place in the file."""
    location = grids.locate if grids is not None else tuple
    try:
        return schema.model_validate(payload)
    except ValidationError as error:
        raise ConfigurationError(
            [f"{path}: {line}" for line in format_errors(error, schema, payload, location)]
        ) from None
