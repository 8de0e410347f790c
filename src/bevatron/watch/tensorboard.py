"""TensorBoard over the runs of a workflow, by the names of study, model and seed instead of digests."""

import os
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from bevatron.watch.live_json import read_live
from bevatron.watch.live_runs import LiveRuns
from bevatron.watch.server import LOOPBACK, announce, free_port, run_server

USUAL_PORT = 6006
RUNS_BYTES = 1 << 24
DIGEST_LENGTH = 20  # of the name of a run's folder
NAME = re.compile(r"[a-z][a-z0-9_]*")  # of studies and models


class RunLinks:
    """A folder of links study/model/seed-N to the event files of the runs, of a cross-validation
    study/model/fold-F/seed-N, and study/model/search/trial-N to those of trials that are going on. Of several runs of
    one seed the published one is shown, else the newest.
    """

    def __init__(self, folder: Path, results: Path, runs: LiveRuns):
        self._folder, self._results, self._runs = folder, results, runs

    def refresh(self, items: dict[str, list[str]]) -> int:
        """Make, change and remove links, for these models by study, with folds model/fold-F; returns how many there
        are.
        """
        self._runs.look()
        wanted = self._trainings(items) | self._trials()
        there = {path.relative_to(self._folder): path for path in self._folder.rglob("*") if path.is_symlink()}
        for name, path in there.items():
            if wanted.get(name) != Path(os.readlink(path)):
                path.unlink(missing_ok=True)
        for name, target in wanted.items():
            path = self._folder / name
            if not path.is_symlink():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(target)
        return len(wanted)

    def _trainings(self, items: dict[str, list[str]]) -> dict[Path, Path]:
        newest: dict[Path, tuple[float, Path]] = {}
        for run in self._runs.trainings.values():
            study, model, seed = run.name
            if NAME.fullmatch(study) and NAME.fullmatch(model):
                name = Path(study, run.key.item, f"seed-{seed}")
                newest[name] = max(newest.get(name, (0.0, run.folder)), (_updated(run.values), run.folder))
        folders = {name: folder for name, (_, folder) in newest.items()}
        for study, names in items.items():
            for item in names:
                folders |= self._published(study, item)
        targets = {name: (folder / "tensorboard").absolute() for name, folder in folders.items()}
        return {name: target for name, target in targets.items() if target.is_dir()}

    def _published(self, study: str, item: str) -> dict[Path, Path]:
        found: dict[str, Any] = read_live(self._results / study / "models" / item / "runs.json", RUNS_BYTES) or {}
        with suppress(KeyError, TypeError, ValueError):
            return {
                Path(study, item, f"seed-{int(run['seed'])}"): self._runs.folder
                / Path(run["digest"]).name[:DIGEST_LENGTH]
                for run in found["runs"]
            }
        return {}

    def _trials(self) -> dict[Path, Path]:
        links = {}
        for search in self._runs.searches.values():
            if NAME.fullmatch(search.study) and NAME.fullmatch(search.model):
                for target in search.folder.glob("trial-*/tensorboard"):
                    links[Path(search.study, search.model, "search", target.parent.name)] = target.absolute()
        return links


def _updated(values: dict[str, Any]) -> float:
    updated = values.get("updated")
    return updated if isinstance(updated, int | float) else 0.0


def serve_tensorboard(links_of: Any, items: dict[str, list[str]], port: int | None) -> None:
    """Run TensorBoard on the loopback address until Ctrl-C, with links that follow the workflow.

    links_of: makes the `RunLinks` of a folder. Raises UserError where the port is taken or TensorBoard ends by itself.
    """
    folder = Path(tempfile.mkdtemp(prefix="bevatron-tensorboard-"))  # 0700: for this user alone
    try:
        links = links_of(folder)
        n = links.refresh(items)
        chosen = free_port(port, USUAL_PORT)
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", LOOPBACK]
        command += ["--port", str(chosen), "--reload_interval", "10"]
        announce(f"TensorBoard of {n} runs", chosen)
        run_server("TensorBoard", command, lambda: links.refresh(items))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
