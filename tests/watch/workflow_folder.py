"""A workflow's folder as its jobs leave it, and Snakemake's log in Snakemake's own words."""

import json
import logging
import os
import socket
import time
from pathlib import Path

import yaml
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

from bevatron.config.sections.study import Study

EMPTY = {"input": [], "benchmark": None, "reason": "", "priority": 0, "threads": 1, "is_checkpoint": False}


class WrittenLog:
    """Writes `.snakemake/log/` as Snakemake does."""

    def __init__(self, folder: Path, name: str = "2026-11-30T100000.000000"):
        self.path = folder / ".snakemake/log" / f"{name}.snakemake.log"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._formatter = DefaultFormatter(quiet=None, show_failed_logs=True)
        self._ids: dict[str, int] = {}
        self.say("Building DAG of jobs...\nJob stats:\njob      count\n-----  -------\ntotal        3\n")

    def say(self, text: str) -> None:
        with self.path.open("a") as file:
            file.write(text + "\n")

    def _event(self, event: LogEvent, **values) -> None:
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, values.get("msg", ""), None, None)
        record.event = event
        for key, value in values.items():
            if key != "msg":
                setattr(record, key, value)
        self.say(self._formatter.format(record))

    def start(self, rule: str, log: str, local: bool = True, **wildcards: str) -> int:
        job = self._ids.setdefault(f"{rule} {wildcards}", len(self._ids) + 1)
        self._event(
            LogEvent.JOB_INFO, **EMPTY, rule_name=rule, output=["somewhere"], log=[log], jobid=job, local=local,
            wildcards=wildcards, resources={"mem_mb": 1000}, rule_msg=None, indent=False,
        )  # fmt: skip
        return job

    def finish(self, job: int, rule: str = "train") -> None:
        self._event(LogEvent.JOB_FINISHED, job_id=job, msg=f"Finished jobid: {job} (Rule: {rule})")

    def fail(self, job: int, rule: str, log: str) -> None:
        self._event(
            LogEvent.JOB_ERROR, rule_name=rule, msg="x", rule_msg=None, jobid=job, input=["a"], output=["b"],
            log=[log], conda_env=None, shellcmd="exec bevatron", aux={}, indent=False,
        )  # fmt: skip

    def fail_group(self, *jobs: tuple[int, str, str]) -> None:
        info = [{"rule_name": rule, "jobid": job, "output": ["x"], "log": [log]} for job, rule, log in jobs]
        self._event(LogEvent.GROUP_ERROR, groupid="shards", msg="batch job 7 failed", aux_logs=[], job_error_info=info)

    def progress(self, done: int, total: int) -> None:
        self._event(LogEvent.PROGRESS, done=done, total=total)


def write_project(folder: Path, study: Study, **changes) -> Path:
    """A configuration with one study."""
    (folder / "config/studies").mkdir(parents=True)
    (folder / "config/config.yaml").write_text(yaml.safe_dump({"studies": [study.name]}))
    payload = json.loads(study.model_dump_json()) | changes
    (folder / f"config/studies/{study.name}.yaml").write_text(yaml.safe_dump(payload))
    return folder


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def write_progress(folder: Path, **values) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    usual = {
        "kind": "training", "study": "curve", "model": "net", "title": "1:16:1", "seed": 0, "pid": os.getpid(),
        "host": socket.gethostname(), "started": time.time() - 10, "updated": time.time(), "state": "running",
    }  # fmt: skip
    (folder / "progress.json").write_text(json.dumps(usual | values))
