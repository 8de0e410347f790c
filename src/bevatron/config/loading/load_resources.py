"""Reading `config/resources.yaml` with the site's file over it; what no site could run is told before it is queued."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bevatron.config.loading.load import SCALES, load_study, read_yaml, validate_section
from bevatron.config.loading.merge import merge
from bevatron.config.sections.resources import RULES, SEVERAL_NODES, SHARD_RULES, Resources
from bevatron.config.sections.site import Site
from bevatron.errors import ConfigurationError, UserError
from bevatron.near_names import did_you_mean
from bevatron.regular_files import is_file


def load_site(path: Path | None) -> Site:
    """The site's file; without one, a site of which nothing is known."""
    return Site() if path is None else validate_section(Site, read_yaml(path), path)


def load_resources(path: Path, site: Path | None = None) -> Resources:
    """The table at `path`, which may be missing, and the site's file over it, over the defaults key by key.

    Raises ConfigurationError with a line for each mistake; mistakes of the site's file are told as its own.
    """
    payload = Resources().model_dump(mode="json")
    if is_file(path):
        payload = _merge_overlay(payload, read_yaml(path), path, "")
    override = load_site(site).resources
    if site is not None and override:
        payload = _merge_overlay(payload, override, site, "resources.")
    resources = Resources.model_validate(payload)
    problems = list(beyond_limits(resources))
    if problems:
        files = f"{path} with {site}" if override else path
        raise ConfigurationError([f"{files}: {line}" for line in problems])
    return resources


def _merge_overlay(payload: dict[str, Any], override: dict[str, Any], file: Path, key: str) -> dict[str, Any]:
    """The tree with `override`, which stands in `file` below `key`, over it; mistakes are told with that place."""
    payload = merge(payload, override)
    try:
        validate_section(Resources, payload, file)
    except ConfigurationError as error:
        lines = [f"{file}: {key}{line.removeprefix(f'{file}: ')}" for line in error.lines]
        raise ConfigurationError(lines) from None
    return payload


def beyond_limits(resources: Resources) -> Iterator[str]:
    """What the limits of the site, or the rules themselves, do not allow: a line each."""
    for rule in RULES:
        yield from (f"rules.{rule}{line}" for line in _needs_beyond(resources, rule, None, None))
    for key, overrides in resources.overrides.items():
        study, _, model = key.partition("/")
        for rule in RULES:
            if getattr(overrides, rule, None) is not None:
                lines = _needs_beyond(resources, rule, study, model or None)
                yield from (f"overrides.{key}.{rule}{line}" for line in lines)


def _needs_beyond(resources: Resources, rule: str, study: str | None, model: str | None) -> Iterator[str]:
    needs, limits = resources.needs(rule, study, model), resources.limits
    if model and rule not in ("search", "train", "evaluate"):
        yield f": is a study's, not a model's; expected under overrides.{study}"
    for name in ("nodes", "cpus", "gpus", "memory_gb", "minutes"):
        requested, limit = getattr(needs, name), getattr(limits, name)
        if requested > limit:
            yield f".{name}: found {requested:g}, above limits.{name} {limit:g}"
    if needs.nodes > 1 and rule not in SEVERAL_NODES:
        yield f".nodes: must be 1, found {needs.nodes}; several nodes are used by {' and '.join(SEVERAL_NODES)} alone"
    if needs.gpus and rule in SHARD_RULES:
        yield f".gpus: must be 0, found {needs.gpus}; shards are made on CPUs"
    minutes = resources.minutes_of_shards(study)
    if rule in SHARD_RULES and needs.minutes <= limits.minutes < minutes:
        count = resources.shards.per_job
        yield f".minutes: {minutes} for the {count} shards of a batch job, above limits.minutes {limits.minutes}"


def find_resource_errors(path: Path, site: Path | None, studies: Path) -> list[str]:
    """Every mistake in the table and the site's file, with overrides for studies and models that do not exist."""
    try:
        resources = load_resources(path, site)
    except ConfigurationError as error:
        return error.lines
    except UserError as error:
        return [str(error)]
    unknown = {key: _find_unknown(key, studies) for key in resources.overrides}
    return [f"{path}: overrides.{key}: {what}" for key, what in unknown.items() if what]


def _find_unknown(key: str, studies: Path) -> str | None:
    study, _, model = key.partition("/")
    models: set[str] = set()
    try:
        for scale in SCALES:
            models.update(load_study(study, scale, studies).models)
    except ConfigurationError:
        return None  # the study's own mistakes are told elsewhere
    except UserError as error:
        return f"{error.what}; {error.todo}"
    if model and model not in models:
        return (
            f"study '{study}' has no model '{model}'{did_you_mean(model, models)}; it has: {', '.join(sorted(models))}"
        )
    return None
