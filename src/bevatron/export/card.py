"""The model card: what a network is, what it was made from, how good it is, and what it must not be used for.

After Mitchell et al. (2019), "Model cards for model reporting", arXiv:1810.03993; generated, so that it cannot
say anything else than the files do.
"""

import inspect
import re
from collections.abc import Sequence
from typing import Any

from bevatron.config.loading.kinds import ARCHITECTURES, RECIPES, SOURCES
from bevatron.config.sections.study import Study
from bevatron.export.metadata import thresholds_of
from bevatron.export.port import Port
from bevatron.figures import log_failure
from bevatron.store.records.export import ExportedModel
from bevatron.store.records.metrics import MetricsRecord
from bevatron.store.records.runs import RunsRecord
from bevatron.store.shards.manifest import Manifest
from bevatron.versions import versions

BALANCE = {"none": "as they are in the data", "weights": "equal, by weights", "batches": "equal, by repetition"}
MARKUP = "\\`*_[]<>|#&~$"
UNCERTAIN = 2  # significant digits of an uncertainty


def write_card(
    study: Study,
    name: str,
    manifest: Manifest,
    trained: RunsRecord,
    exports: list[ExportedModel],
    measured: MetricsRecord | None,
    heads: Sequence[Port] = (),
) -> str:
    """The card as Markdown; heads: the outputs of auxiliary tasks.

    Where it cannot be written, which costs no export its models, the card says why.
    """
    try:
        return _fill_template(study, name, manifest, trained, exports, measured, heads)
    except Exception as error:
        reason = log_failure(error, f"card.md of {study.name}/{name}")
        return f"# {escape_markup(name)}\n\nThis model's card could not be written: {escape_markup(reason)}\n"


def _fill_template(
    study: Study,
    name: str,
    manifest: Manifest,
    trained: RunsRecord,
    exports: list[ExportedModel],
    measured: MetricsRecord | None,
    heads: Sequence[Port],
) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bevatron.export"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown; words of the study's file are put on one line each and lose their markup
    )
    balance = trained.settings["training"]["balance"]
    environment.filters |= {"words": escape_markup, "cell": escape_cell, "word": escape_word, "number": number}
    return environment.get_template("card.md.j2").render(
        study=study,
        name=name,
        model=study.models[name],
        manifest=manifest,
        splits=[(split, manifest.n_samples(split), manifest.class_counts(split)) for split in manifest.split_names],
        features=features(study.models[name].inputs, manifest),
        settings=trained.settings,
        balance=BALANCE.get(balance, balance),
        runs=trained.runs,
        exports=exports,
        heads=heads,
        metrics=[] if measured is None else metric_rows(measured),
        measured=measured,
        architecture=about(ARCHITECTURES[trained.settings["architecture"]["kind"]]),
        parts=manifest.targets[study.models[name].target or study.task.target].names,
        thresholds=thresholds_of(study, manifest),
        source=about(SOURCES[study.simulation.source.kind]) if study.simulation.source.kind in SOURCES else [],
        recipe=about(RECIPES[study.dataset.recipe.kind]) if study.dataset.recipe.kind in RECIPES else [],
        versions=versions(),
    )


def about(component: type) -> list[str]:
    """The paragraphs of a component's docstring, a line each."""
    return [" ".join(text.split()) for text in inspect.cleandoc(component.__doc__ or "").split("\n\n")]


def features(groups: list[str], manifest: Manifest) -> list[tuple[str, str, str, Any]]:
    """Group, feature, unit and statistics of the train split, of every feature that the network reads."""
    rows = []
    for name in groups:
        info = manifest.groups[name]
        for feature, unit in zip(info.features, info.units, strict=True):
            rows.append((name, feature, unit, manifest.statistics[name][feature]))
    return rows


def metric_rows(measured: MetricsRecord) -> list[tuple[str, str, str]]:
    """Name, value ± error and interval of every metric."""
    rows = []
    for name, metric in measured.metrics.items():
        unit = f" {escape_word(metric.unit)}" if metric.unit else ""
        low, high = metric.low, metric.high
        interval = "–" if low is None or high is None else f"{number(low)} to {number(high)}{unit}"
        rows.append((name, with_error(metric.value, metric.error) + unit, interval))
    return rows


def with_error(value: float | None, error: float | None) -> str:
    """A number and its uncertainty to two digits, both to the same place; – for a number that does not exist."""
    if value is None:
        return "–"
    if not error:
        return number(value)
    exponent = int(f"{error:.{UNCERTAIN - 1}e}".split("e")[1])
    decimals = max(0, UNCERTAIN - 1 - exponent)
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def number(value: float | None) -> str:
    """A number to four digits; – for one that does not exist."""
    return "–" if value is None else f"{value:.4g}"


def escape_markup(text: str) -> str:
    """A free text on one line, in which no sign is markup: no emphasis, link, formula, entity, list or HTML."""
    line = " ".join(str(text).split())
    line = "".join(f"\\{sign}" if sign in MARKUP else sign for sign in line)
    return re.sub(r"^([-+=]|\d+(?=[.)]))", _escape_start, line)


def _escape_start(found: re.Match[str]) -> str:
    """What would begin a list or underline a heading; of a number the sign behind it is escaped."""
    return f"\\{found[0]}" if not found[0].isdigit() else f"{found[0]}\\"


def escape_cell(text: Any) -> str:
    """A text inside of a table and of backquotes, where no other sign is markup."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("`", "'")


def escape_word(text: Any) -> str:
    """A name or a unit inside of a table: as it is where it is a plain one, without its markup where it is not."""
    return str(text) if re.fullmatch(r"[^\W_][\w ./^()%-]*", str(text)) else escape_markup(text)
