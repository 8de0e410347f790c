"""Names of the workflow's jobs, by what they are for: rules that do the same with folds and without are one."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from bevatron.store.files.names import fold_folder

ONE_STAGE = {  # rules of the same stage
    "train_fold": "train",
    "evaluate_folds": "evaluate",
    "search_fold_0": "search",
    "export_model": "export",
    "export_fold": "export",
    "apply_model": "apply",
}
_OF_FOLDS = re.compile(r"(prepare|manifest)_\d+_folds(?:_balanced)?")
WILDCARDS = ("study", "model", "shard", "fold", "variation", "application", "stem", "format")
VARIATION = "_variation"  # how the rules of systematic variations end


class JobKey(NamedTuple):
    """A job of the workflow: its stage, its study, and what of the study it is for.

    item: '' for the study's one job; the number of a shard; a model, of a training or export on a fold followed by the
    fold, `model/fold-2`; for a systematic variation its name before the number or the model, `variation/model`; for a
    file of scores `application/model/name.format`.
    """

    rule: str
    study: str = ""
    item: str = ""

    @property
    def model(self) -> str:
        """The model that the job is for; '' where it is for all."""
        match self.rule:
            case "search" | "train" | "evaluate" | "export":
                return self.item.partition("/")[0]
            case "evaluate_variation":
                return self.item.partition("/")[2]
            case "apply":
                return self.item.split("/")[1] if "/" in self.item else ""
        return ""

    @property
    def nominal(self) -> "JobKey | None":
        """Of a job of a variation, the same job of the nominal study."""
        if not self.rule.endswith(VARIATION):
            return None
        return JobKey(self.rule.removesuffix(VARIATION), self.study, self.item.partition("/")[2])


def job_key(rule: str, wildcards: Mapping[str, str]) -> JobKey:
    """The job of a rule of the workflow with these wildcards."""
    match = _OF_FOLDS.fullmatch(rule)
    stage = match[1] if match else ONE_STAGE.get(rule, rule)
    parts = [wildcards.get(name, "") for name in ("application", "variation", "model", "shard")]
    if "fold" in wildcards:
        parts.append(f"fold-{wildcards['fold']}")
    if "stem" in wildcards:
        parts.append(f"{wildcards['stem']}.{wildcards.get('format', '')}")
    return JobKey(stage, wildcards.get("study", ""), "/".join(filter(None, parts)))


def item_of(model: str, fold: int | None) -> str:
    """The item of a training, or of an export."""
    return model if fold is None else f"{model}/{fold_folder(fold)}"
