"""`weights` of a weaver configuration."""

from collections.abc import Callable
from typing import Any

from bevatron.draft.contents import NamedExpression, StudyDraft
from bevatron.draft.names import shown
from bevatron.draft.weaver_expressions import NotTranslatedError
from bevatron.draft.weaver_variables import Variables


def translate_weights(
    weights: dict[str, Any], variables: Variables, study: StudyDraft, report: Callable[[str], None]
) -> None:
    """Precomputed weights become the study's `weight`; reweighting is written as comments."""
    known = {"use_precomputed_weights", "weight_branches", *REWEIGHTING}
    for key in weights:
        if key not in known:
            report(f"weights.{key}: no counterpart")
    if weights.get("use_precomputed_weights"):
        branches = weights.get("weight_branches")
        branches = branches if isinstance(branches, list) else [branches]
        try:
            text = " * ".join(_factor(variables.of(branch)) for branch in branches if branch is not None)
        except NotTranslatedError as error:
            report(f"weights.weight_branches: left out: {error}")
            return
        if text:
            study.weight = NamedExpression("weight", text)
        return
    if weights.get("reweight_method") is not None or weights.get("reweight_vars"):
        study.weight_comments += reweighting_lines(weights)
        _balance(weights, study, variables, report)


REWEIGHTING = (
    "reweight_method",
    "reweight_vars",
    "reweight_classes",
    "class_weights",
    "reweight_threshold",
    "reweight_basewgt",
    "reweight_discard_under_overflow",
    "reweight_hists",
)


def _balance(weights: dict[str, Any], study: StudyDraft, variables: Variables, report: Callable[[str], None]) -> None:
    """`dataset.balance` of the spectra that weaver would sample from. It draws samples, here they get weights, so that
    all of them are used.
    """
    bins = {}
    observed = {entry.name for entry in study.observers}
    for name, edges in (weights.get("reweight_vars") or {}).items():
        numbers = edges if isinstance(edges, list) else []
        borders = [float(edge) for edge in numbers[1:-1] if type(edge) in (int, float)]
        try:
            expression = variables.of(name)
        except NotTranslatedError as error:
            report(f"weights.reweight_vars.{name}: left out: {error}")
            continue
        if len(borders) != len(numbers) - 2 or not borders or sorted(set(borders)) != borders:
            report(f"weights.reweight_vars.{name}: left out: its edges are no rising numbers with one border inside")
            continue
        if name not in observed:
            study.observers.append(NamedExpression(str(name), expression, "for dataset.balance"))
        bins[str(name)] = borders
    method = weights.get("reweight_method")
    if method not in (None, "flat", "ref"):
        report(f"weights.reweight_method: {method}: 'flat' is taken")
    study.balance = {"method": "reweight", "to": "flat"} | ({"bins": bins} if bins else {})
    if method == "ref":
        classes = study.target.entries if study.target.kind == "classes" else []
        study.balance["to"] = classes[0].name if classes else "flat"
    if any(value != 1 for value in weights.get("class_weights") or []):
        report("weights.class_weights: no counterpart: all classes get equal sums of weights")
    report("weights: samples beyond the first and last edges are kept in the outermost bins")


def reweighting_lines(weights: dict[str, Any]) -> list[str]:
    """Comments that say what weaver would reweight: bins, shape, and fractions of the classes."""
    lines = ["LOOK: weaver reweights as follows; `dataset.balance` stands for it:"]
    for key in REWEIGHTING:
        value = weights.get(key)
        if value is None or key == "reweight_hists":
            continue
        if isinstance(value, dict):
            lines.append(f"  {key}:")
            for name, edges in value.items():
                lines.append(f"    {shown(str(name))}: {shown(str(edges), 600)}")
        else:
            lines.append(f"  {key}: {shown(str(value), 600)}")
    if weights.get("reweight_hists") is not None:
        lines.append("  reweight_hists: histograms that weaver has computed are not taken over")
    return lines


def _factor(text: str) -> str:
    return text if text.replace("_", "").replace(".", "").isalnum() else f"({text})"
