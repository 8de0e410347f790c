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
        study.weight_comments += reweighting_lines(weights, variables)
        report("weights: reweighting is written as comments, see 'balance' in the file")


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


def reweighting_lines(weights: dict[str, Any], variables: Variables) -> list[str]:
    """Comments that say what weaver would reweight: bins, shape, and fractions of the classes."""
    lines = ["LOOK: weaver reweights (to be written as `balance`):"]
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
