"""Reports written by hand, with the fields that a comparison reads and no others."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


class HandMadeReport:
    """The page of one study with one model, `mlp`, of which metrics are added by their values of single trainings."""

    def __init__(self, study: str = "toy"):
        self.study = study
        self.numbers: list[dict[str, Any]] = []
        self.claims: list[dict[str, Any]] = []
        self.part: dict[str, Any] = {
            "scale": "demo",
            "settings": {"simulation": {"samples": 100}},
            "config_digest": "c" * 64,
            "manifest_sha256": "a" * 64,
            "code_versions": {"source jets": 2},
            "simulation_versions": {"numpy": "2.0"},
            "models": {},
        }
        self.versions = {"torch": "2.0"}
        self.add_model("mlp")

    def add_model(self, name: str, seeds: int = 3, **changes: Any) -> None:
        runs = [{"seed": k, "weights_sha256": f"{name}{k}", "versions": {"torch": "2.0"}} for k in range(seeds)]
        model = {"title": name.upper(), "settings": {"training": {"epochs": 5}}, "runs": runs}
        self.part["models"][name] = model | changes

    def add_metric(
        self, metric: str, value: Any, error: Any, seeds: Sequence[float] = (), model: str | None = "mlp"
    ) -> None:
        table = "metrics" if model else "observables"
        row = 1 + sum(number["column"] == "value" for number in self.numbers)
        same = {"table": f"{self.study}_{table}", "row": row, "study": self.study, "metric": metric, "model": model}
        self.numbers.append(same | {"column": "value", "value": value})
        if error is not None:
            self.numbers.append(same | {"column": "value error", "value": error})
        self.numbers += [same | {"column": f"seed {k}", "seed": k, "value": seed} for k, seed in enumerate(seeds)]

    def add_claim(self, name: str, verdict: str, *margins: tuple[str, Any, Any, Any], **changes: Any) -> None:
        keys = ("meaning", "value", "error", "distance")
        parts = [dict(zip(keys, margin, strict=True)) for margin in margins]
        self.claims.append({"id": name, "verdict": verdict, "sigmas": 2.0, "margins": parts, **changes})

    def write(self, report: Path) -> Path:
        folder = report / self.study
        folder.mkdir(parents=True, exist_ok=True)
        claims = {"schema_version": 1, "study": self.study, "scale": "demo", "claims": self.claims}
        (folder / "claims.json").write_text(json.dumps(claims))
        studies = {self.study: self.part}
        content = {"schema_version": 1, "versions": self.versions, "studies": studies, "numbers": self.numbers}
        (folder / "provenance.json").write_text(json.dumps(content))
        return report


@pytest.fixture
def hand_made():
    """A report written by hand: (study='toy')."""
    return HandMadeReport
