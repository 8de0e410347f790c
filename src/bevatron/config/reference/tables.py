"""The tables of keys in `config/README.md`, written from the sections themselves."""

import types
import typing
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bevatron.config.loading.kinds import ARCHITECTURES, CLAIM_TESTS, RECIPES, SOURCES
from bevatron.config.loading.registry import Component, Registry
from bevatron.config.sections.application import Application
from bevatron.config.sections.balance import Balance
from bevatron.config.sections.claim import Claim
from bevatron.config.sections.data_part import Evaluation
from bevatron.config.sections.dataset import DatasetSection, SplitFractions
from bevatron.config.sections.grid import Grid
from bevatron.config.sections.loggers import CometLog, MLflowLog, TensorBoardLog, WandbLog
from bevatron.config.sections.model import Model
from bevatron.config.sections.observable import Observable
from bevatron.config.sections.performance import Discriminant, Importance, VariableProfile
from bevatron.config.sections.resources import JobResources, Limits, Overrides, Resources, RetryScaling, Rules, Shards
from bevatron.config.sections.search import Choice, Integers, LogUniform, Search, Uniform
from bevatron.config.sections.section import Section
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.site import Site
from bevatron.config.sections.study import Study
from bevatron.config.sections.task import Classification, Classification2D, MultiLabel, Regression
from bevatron.config.sections.training import EarlyStopping, Training
from bevatron.config.sections.workflow import DataLoading, Ray, ReportSettings, Workflow

BEGIN, END = "<!-- written by `bevatron schema`: begin -->", "<!-- written by `bevatron schema`: end -->"

SECTIONS: list[tuple[str, type[Section]]] = [
    ("`config/config.yaml`", Workflow),
    ("`data_loading`", DataLoading),
    ("`ray`", Ray),
    ("`report`", ReportSettings),
    ("`loggers[]`, kind `tensorboard`", TensorBoardLog),
    ("`loggers[]`, kind `mlflow`", MLflowLog),
    ("`loggers[]`, kind `wandb`", WandbLog),
    ("`loggers[]`, kind `comet`", CometLog),
    ("`config/resources.yaml`", Resources),
    ("`rules`", Rules),
    ("`rules.<rule>`", JobResources),
    ("`overrides.<study>` and `overrides.<study>/<model>`", Overrides),
    ("`retry_scaling`", RetryScaling),
    ("`limits`", Limits),
    ("`shards`", Shards),
    ("`profiles/site/site.yaml`", Site),
    ("A study", Study),
    ("`simulation`", Simulation),
    ("`dataset`", DatasetSection),
    ("`dataset.split`", SplitFractions),
    ("`dataset.balance`", Balance),
    ("`task`, kind `regression`", Regression),
    ("`task`, kind `classification`", Classification),
    ("`task`, kind `classification_2d`", Classification2D),
    ("`task`, kind `multi_label`", MultiLabel),
    ("`models.<name>`", Model),
    ("`models.<name>.training`", Training),
    ("`models.<name>.training.early_stopping`", EarlyStopping),
    ("`models.<name>.search`", Search),
    ("`search.space.<key>`, kind `uniform`", Uniform),
    ("`search.space.<key>`, kind `log_uniform`", LogUniform),
    ("`search.space.<key>`, kind `integers`", Integers),
    ("`search.space.<key>`, kind `choice`", Choice),
    ("`grids.<name>`", Grid),
    ("`apply.<name>`", Application),
    ("`evaluation`", Evaluation),
    ("`evaluation.observables.<name>`", Observable),
    ("`evaluation.discriminants.<name>`", Discriminant),
    ("`evaluation.profiles.<name>`", VariableProfile),
    ("`evaluation.importance`", Importance),
    ("`claims[]`", Claim),
]
COMPONENTS: list[tuple[str, Registry]] = [
    ("`simulation.source`", SOURCES),
    ("`dataset.recipe`", RECIPES),
    ("`models.<name>.architecture`", ARCHITECTURES),
    ("`claims[].test`", CLAIM_TESTS),
]


def tables() -> str:
    """All sections as Markdown tables: key, type, default, meaning."""
    return "\n\n".join([section_tables(), *(component_tables(place, registry) for place, registry in COMPONENTS)])


def section_tables() -> str:
    """The tables of the sections that every file has."""
    return "\n\n".join(_table(title, section) for title, section in SECTIONS)


def component_tables(place: str, registry: Registry) -> str:
    """The tables of the options of all components of a registry, which the key `place` selects."""
    parts = []
    for name in registry.names():
        options = registry[name].Options
        parts.append(_table(f"{place}, kind `{name}`", options, registry[name].__doc__))
        for key, section in _sections_of(options):
            parts.append(_table(f"{place[:-1]}.{key}`, kind `{name}`", section))
    return "\n\n".join(parts)


def insert_tables(text: str) -> str:
    """A README's text with what stands between the two markers replaced."""
    before, remainder = text.split(BEGIN)
    _, after = remainder.split(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _sections_of(options: type[Section]) -> list[tuple[str, type[Section]]]:
    """The options that are sections themselves, by name."""
    sections = []
    for key, field in options.model_fields.items():
        for kind in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, Section):
                sections.append((key, kind))
    return sections


def _table(title: str, section: type[Section], doc: str | None = None) -> str:
    summary = (doc or section.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    rows = [
        f"### {title}",
        "",
        " ".join(summary.split()),
        "",
        "| key | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in section.model_fields.items():
        key = field.alias or name
        if key == "kind" and len(typing.get_args(field.annotation)) < 2:  # the title says it
            continue
        cells = (f"`{key}`", f"`{_type(field.annotation, field.metadata)}`", _default(field), field.description or "")
        rows.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _type(kind: Any, metadata: list | tuple = ()) -> str:
    if any(isinstance(note, Component) for note in metadata):
        return "component"
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _type(arguments[0], arguments[1:])
    if origin is typing.Literal:
        return " | ".join(f'"{a}"' if isinstance(a, str) else str(a) for a in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(dict.fromkeys(_type(a) for a in arguments))
    if origin in (list, tuple, dict):
        return f"{origin.__name__}[{', '.join(_type(a) for a in arguments)}]"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "section"
    return {Any: "Any", type(None): "None"}.get(kind, getattr(kind, "__name__", str(kind)))


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return "its defaults"
    if field.default is PydanticUndefined:
        return "*required*"
    if field.default is None:
        return "`None`"
    value = field.default
    return f"`{value}`" if len(str(value)) < 60 else "see the code"
