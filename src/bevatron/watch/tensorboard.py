"""TensorBoard over the runs of a workflow, by the names of study, model and seed instead of digests."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.watch.live_json import read_live, text
from bevatron.watch.live_runs import LiveRuns
from bevatron.watch.terminal import ending_on_signals

LOOPBACK = "127.0.0.1"
USUAL_PORT = 6006
REFRESH_SECONDS = 10.0
RUNS_BYTES = 1 << 24
DIGEST_LENGTH = 20  # of the name of a run's folder
NAME = re.compile(r"[a-z][a-z0-9_]*")  # of studies and models


class RunLinks:
    """A folder of links study/model/seed-N to the event files of the runs, and study/model/search/trial-N to those of
    trials that are going on. Of several runs of one seed the published one is shown, else the newest.
    """

    def __init__(self, folder: Path, results: Path, runs: LiveRuns):
        self._folder, self._results, self._runs = folder, results, runs

    def refresh(self, models: dict[str, list[str]]) -> int:
        """Make, change and remove links, for these models by study; returns how many there are."""
        self._runs.look()
        wanted = self._trainings(models) | self._trials()
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

    def _trainings(self, models: dict[str, list[str]]) -> dict[Path, Path]:
        newest: dict[Path, tuple[float, Path]] = {}
        for run in self._runs.trainings.values():
            study, model, seed = run.name
            if NAME.fullmatch(study) and NAME.fullmatch(model):
                name = Path(study, model, f"seed-{seed}")
                newest[name] = max(newest.get(name, (0.0, run.folder)), (_updated(run.values), run.folder))
        folders = {name: folder for name, (_, folder) in newest.items()}
        for study, names in models.items():
            for model in names:
                folders |= self._published(study, model)
        targets = {name: (folder / "tensorboard").absolute() for name, folder in folders.items()}
        return {name: target for name, target in targets.items() if target.is_dir()}

    def _published(self, study: str, model: str) -> dict[Path, Path]:
        found: dict[str, Any] = read_live(self._results / study / "models" / model / "runs.json", RUNS_BYTES) or {}
        with suppress(KeyError, TypeError, ValueError):
            return {
                Path(study, model, f"seed-{int(run['seed'])}"): self._runs.folder
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


def serve_tensorboard(links_of: Any, models: dict[str, list[str]], port: int | None) -> None:
    """Run TensorBoard on the loopback address until Ctrl-C, with links that follow the workflow.

    links_of: makes the `RunLinks` of a folder. Raises UserError where the port is taken or TensorBoard ends by itself.
    """
    folder = Path(tempfile.mkdtemp(prefix="bevatron-tensorboard-"))  # 0700: for this user alone
    try:
        links = links_of(folder)
        n = links.refresh(models)
        chosen = _free_port(port)
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", LOOPBACK]
        command += ["--port", str(chosen), "--reload_interval", str(int(REFRESH_SECONDS))]
        print(f"TensorBoard of {n} runs: http://{LOOPBACK}:{chosen} (Ctrl-C ends it)", flush=True)
        print(f"  from another machine: ssh -L {chosen}:{LOOPBACK}:{chosen} {socket.gethostname()}", flush=True)
        with ending_on_signals(), suppress(KeyboardInterrupt):
            _run(command, links, models)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], links: RunLinks, models: dict[str, list[str]]) -> None:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            while True:
                try:
                    process.wait(timeout=REFRESH_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    links.refresh(models)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
            process.kill()
            process.wait()
        said.seek(0)
        lines = [line for line in text(said.read().decode("utf-8", "replace")).splitlines() if line.strip()]
        raise UserError("TensorBoard", f"has ended ({lines[-1] if lines else process.returncode})", "start it again")


def _free_port(port: int | None) -> int:
    """The port, if nobody listens there; of none in particular TensorBoard's usual one, or any."""
    for candidate in (USUAL_PORT, 0) if port is None else (port,):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, candidate))
            return probe.getsockname()[1]
    raise UserError("--port", f"{port} is in use on {LOOPBACK}", "choose another one, or leave the option out")
