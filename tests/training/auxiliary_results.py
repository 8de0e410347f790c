"""A study with auxiliary tasks as a whole: dataset, runs and evaluation of jets whose tracks have truth."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from auxiliary_jobs import make_dataset, study_of

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.stage import evaluate_model
from bevatron.train.stage import train_model


class Evaluated(NamedTuple):
    """The study, the folder of its results, the manifest, and the model that was trained and evaluated."""

    study: Study
    workflow: Workflow
    folder: Path
    manifest: Path
    model: str

    @property
    def runs(self) -> Path:
        return self.folder / "models" / self.model / "runs.json"

    def metrics(self) -> dict[str, Any]:
        return json.loads((self.folder / "evaluation" / self.model / "metrics.json").read_text())


def make_evaluated(
    results: Path,
    model: str = "sets",
    weighted: bool = False,
    auxiliary: dict[str, Any] | None = None,
    **evaluation: Any,
) -> Evaluated:
    """Two seeds of a small network, trained for three epochs."""
    payload = study_of(auxiliary).model_dump(mode="json", exclude={"apply", "grids"})
    gn2 = {"kind": "gn2", "embedding_widths": [8], "width": 8, "blocks": 1, "heads": 2, "feedforward": 8,
           "output_width": 6, "widths": [6]}  # fmt: skip
    payload["models"]["gn2"] = {**payload["models"]["sets"], "title": "gn2", "architecture": gn2}
    payload |= {"n_seeds": 2, "evaluation": {"bootstrap": 40, **evaluation}}
    study, folder = Study.model_validate(payload), results / "auxiliary"
    workflow = Workflow(studies=["auxiliary"], accelerator="cpu", runs_dir=str(results / "runs"))
    manifest = make_dataset(folder / "dataset", weighted)
    made = Evaluated(study, workflow, folder, manifest, model)
    train_model(study, workflow, model, manifest, None, folder / "models" / model)
    evaluate_model(study, workflow, model, manifest, made.runs, folder / "evaluation" / model)
    return made
