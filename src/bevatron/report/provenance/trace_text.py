"""A report's provenance as a person reads it, and as a program does."""

import io
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from bevatron.compute.numerics.reproducibility import describe_environment, doubts
from bevatron.report.provenance.trace import Trace
from bevatron.report.tables.numbers import with_error

SHORT = 12  # digits of a digest
STAGES = ("study", "simulate", "totals", "prepare", "manifest", "observables", "search", "train", "evaluate", "report")


def trace_text(trace: Trace, table: str | None = None) -> str:
    """The claims' numbers and every metric and observable; with `table`, each number of that table."""
    buffer = io.StringIO()
    console = Console(file=buffer, width=160, highlight=False, markup=False)
    if table is not None:
        console.print(_cells(trace.numbers(table)))
    else:
        console.print(
            f"{trace.report}: at scale {trace.payload['scale']}, written with {_versions(trace.payload['versions'])}"
        )
        for name in trace.payload["studies"]:
            for part in _study(trace, name):
                console.print()
                console.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().rstrip().splitlines())


def trace_json(trace: Trace, table: str | None = None) -> str:
    """The claims and every number (of one table) as JSON, each with all that it came from."""
    content = {"numbers": trace.numbers(table)} if table else {"claims": trace.claims(), "numbers": trace.numbers()}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _study(trace: Trace, name: str) -> list[Any]:
    study = trace.payload["studies"][name]
    facts = _table("study", name)
    facts.add_row("configuration", f"{study['config_digest']}, scale {study['scale']}")
    facts.add_row("raw events", f"{study['raw_digest']}, seed {study['simulation_seed']}")
    facts.add_row("", f"made with {_versions(study['simulation_versions'])}")
    facts.add_row("dataset", study["dataset_digest"])
    if code_versions := study.get("code_versions"):  # none in a report of an older Bevatron
        facts.add_row("", f"made by {_versions(code_versions)}")
    facts.add_row("manifest", study["manifest_sha256"])
    for what, packages, models in _environments(study):
        facts.add_row(what, f"{packages}: {', '.join(models)}")
    for model, record in study["models"].items():
        if doubt := doubts(record["runs"]):
            facts.add_row("attention", f"{model}: {doubt}")
    parts: list[Any] = [facts]
    claims = _table("claim", "verdict", "measured on", "metric", "value")
    for claim in (claim for claim in trace.claims() if claim["study"] == name):
        for number in claim["numbers"]:
            on = number.get("model") or number.get("observable")
            claims.add_row(claim["claim"], claim["verdict"], on, number["metric"], _value(number))
    runs = _table("model", "seed", "run", "weights (sha256)")
    for model, record in study["models"].items():
        for run in record["runs"]:
            runs.add_row(model, str(run["seed"]), run["digest"], run.get("weights_sha256", "")[:SHORT])
    parts += [part for part in (claims, runs) if part.row_count]
    parts.append(_metrics(trace, name))
    commands = _table("stage", "model", "command that makes it again")
    for stage in STAGES:
        if stage not in study["commands"]:
            continue  # only some studies have it
        command = study["commands"][stage]
        each = command if isinstance(command, dict) else {"": command}
        for model, line in each.items():
            commands.add_row(stage, model, line)
    return [*parts, commands]


def _environments(study: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """What models were trained and evaluated with: one entry for each set of versions, each environment and each order
    of reading, with the models it holds for.
    """
    models_by_entry: dict[tuple[str, str], dict[str, None]] = {}
    for name, model in study["models"].items():
        for run in model["runs"]:
            models_by_entry.setdefault(("trained with", _versions(run.get("versions", {}))), {})[name] = None
            for environment in run.get("environments", []):
                models_by_entry.setdefault(("trained on", describe_environment(environment)), {})[name] = None
            if "order" in run:
                models_by_entry.setdefault(("samples", run["order"]), {})[name] = None
        models_by_entry.setdefault(("evaluated with", _versions(model["evaluated_with"])), {})[name] = None
    return [
        (what, packages, list(models)) for (what, packages), models in sorted(models_by_entry.items(), reverse=True)
    ]


def _metrics(trace: Trace, study: str) -> Table:
    """Every metric and observable with its runs, by the tables that hold them all."""
    table_of_metrics = _table("model or observable", "metric", "value", "seeds", "runs")
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for table in (f"{study}_metrics", f"{study}_observables"):
        for number in (n for n in trace.payload["numbers"] if n["table"] == table):
            row = rows.setdefault((table, number["row"]), {"of": number})
            row[number["column"]] = number["value"]
    for row in rows.values():
        of, value = row["of"], {"value": row.get("value"), "error": row.get("value error")}
        origin = trace.origin({**of, "seed": None})
        runs = ", ".join(run["digest"][:SHORT] for run in origin.get("runs", []))
        seeds = ", ".join(str(seed) for seed in origin.get("seeds", []))
        table_of_metrics.add_row(of.get("model", ""), of["metric"], _value(value), seeds, runs)
    return table_of_metrics


def _cells(numbers: list[dict[str, Any]]) -> Table:
    cells = _table("row", "column", "value", "stage", "model", "metric", "seeds", "command that makes it again")
    for n in numbers:
        seeds = ", ".join(str(seed) for seed in n.get("seeds", []))
        start = (str(n["row"]), n["column"], f"{n['value']}", n["stage"], n.get("model", ""))
        cells.add_row(*start, n.get("metric") or n.get("claim", ""), seeds, n["command"])
    return cells


def _value(number: dict[str, Any]) -> str:
    value, error = (float(number[key]) if number[key] is not None else None for key in ("value", "error"))
    return with_error(value, error)


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "versions unknown"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
