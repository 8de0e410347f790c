"""Looks at a workflow's folder again and again, and each time at as little as possible."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bevatron.config.loading.load import load_workflow
from bevatron.config.loading.rule_facts import StudyFacts, load_facts
from bevatron.errors import UserError
from bevatron.regular_files import open_regular
from bevatron.watch.expected_jobs import DoneFiles, jobs_of, training_items
from bevatron.watch.job_key import JobKey
from bevatron.watch.live_json import number
from bevatron.watch.live_runs import LiveRuns, LiveSearch, LiveTraining
from bevatron.watch.on_demand_jobs import STAGES as ON_DEMAND
from bevatron.watch.on_demand_jobs import OnDemandJobs
from bevatron.watch.snakemake_log import FAILED, FINISHED, STARTED, LoggedJob, SnakemakeLog, newest_logs
from bevatron.watch.snapshot import (
    DashboardState,
    FailureState,
    SearchState,
    Snapshot,
    StageState,
    StudyState,
    TrainingState,
    WorkflowState,
)
from bevatron.watch.tensorboard import RunLinks
from bevatron.watch.time_left import Estimates, overall
from bevatron.watch.workflow_record import WorkflowRecord, read_workflow_record

FILES_SECONDS = 5.0  # between two looks at the results, at least
FILES_FRACTION = 0.05  # of the time may go into them
TAIL_BYTES, TAIL_LINES, LINE_LENGTH = 16_384, 8, 400
FACTS = Path(".snakemake/bevatron/studies.json")
ORDER = {"failed": 0, "running": 1, "silent": 2, "interrupted": 3, "stopped": 4}


class Watcher:
    """The workflow in `folder`, of the configuration `config` below it. Nothing is written but Snakemake's own cache of
    the studies, where that is out of date.

    scale, studies: other ones than those of the last run, or of the configuration where nothing has run.
    """

    def __init__(self, folder: Path, config: Path, scale: str | None, studies: Sequence[str] | None):
        self._folder, self._config = folder, config
        self._asked_scale, self._asked_studies = scale, list(studies or ())
        self._record: WorkflowRecord | None = None
        self._log: SnakemakeLog | None = None
        self._files = DoneFiles(folder)
        self._next_files = 0.0
        self._done: set[JobKey] = set()
        self._tails: dict[tuple[str, float | None], tuple[str, ...]] = {}
        self._load()

    def _load(self) -> None:
        """What is to be run: as the last run was asked, or as the configuration says."""
        self._record = record = read_workflow_record(self._folder)
        same_scale = record is not None and self._asked_scale in (None, record.scale)
        settings = load_workflow(self._config, scale=self._asked_scale or (record.scale if record else None))
        self.scale = settings.scale
        names = self._asked_studies or (list(record.studies) if record and same_scale else settings.studies)
        self.facts: dict[str, StudyFacts] = load_facts(
            names, self.scale, self._config.parent / "studies", self._folder / FACTS
        )
        self.jobs = {name: jobs_of(facts) for name, facts in self.facts.items() if not facts.missing}
        self._keys = {
            name: {stage: frozenset(JobKey(stage, name, item) for item in items) for stage, items in jobs.items()}
            for name, jobs in self.jobs.items()
        }
        self._on_demand = {name: OnDemandJobs(name, self.facts[name]) for name in self.jobs}
        self._runs = LiveRuns(self._folder / settings.runs_dir)
        rates = self._config.parent / "rates.yaml"
        self._estimates = Estimates(self._folder / "results", rates, self.scale)
        self._done, self._next_files = set(), 0.0

    @property
    def models(self) -> dict[str, list[str]]:
        """The models of each study, of a cross-validation each with each fold as model/fold-F."""
        return {name: training_items(facts) for name, facts in self.facts.items()}

    @property
    def runs(self) -> LiveRuns:
        """What goes on in `runs/`."""
        return self._runs

    def links(self, folder: Path) -> RunLinks:
        """Links to the event files of the runs, in that folder."""
        return RunLinks(folder, self._folder / "results", self._runs)

    def look(self) -> Snapshot:
        """The state now."""
        now = time.time()
        self._follow()
        self._look_at_files()
        self._runs.look()
        log = self._log
        done = self._done | {key for key, job in log.jobs.items() if job.state == FINISHED} if log else set(self._done)
        if log is not None:
            done -= {job.key for job in log.running}
        over = self._state() != "running"
        parts, studies = [], []
        for name, facts in self.facts.items():
            jobs = self._keys.get(name, {}) | self._asked_on_demand(name, done)
            part = self._estimates.left(name, facts, jobs, done, log, self._runs, now)
            parts.append(part)
            studies.append(
                StudyState(name, facts.missing, self._stages(name, jobs, done, over), round(part[0], 1), part[2])
            )
        slots = (log.slots or log.peak) if log else os.cpu_count() or 1
        left = overall(parts, slots)
        record = self._record
        workflow = WorkflowState(
            state=self._state(),
            scale=self.scale,
            host=record.host if record else None,
            pid=record.pid if record else None,
            log=str(log.path.relative_to(self._folder)) if log else None,
            steps_done=log.n_done if log else 0,
            steps=log.n_steps if log else 0,
            seconds_left=round(left.seconds, 1) if any(part[0] or part[2] for part in parts) else None,
            unknown_jobs=left.unknown,
        )
        return Snapshot(
            time=round(now, 3),
            folder=str(self._folder.absolute()),
            workflow=workflow,
            studies=tuple(studies),
            trainings=self._trainings(),
            searches=self._searches(),
            ray_dashboards=tuple(
                DashboardState(s.study, s.model, s.url, s.token_file, s.host, s.tunnel, s.metrics)
                for s in self._runs.sessions
                if s.url
            ),
            failures=tuple(self._failure(job) for job in (log.failed if log else []) if job.key not in done),
        )

    def _follow(self) -> None:
        """The newest log of Snakemake; another run than before may be one of other studies."""
        record = read_workflow_record(self._folder)
        if record is not None and record != self._record:
            self._load()
        for path in newest_logs(self._folder):
            if self._log is not None and path == self._log.path:
                break
            log = SnakemakeLog(path)
            log.look()
            if log.is_of_a_run:
                self._log = log
                break
        if self._log is not None:
            self._log.look()

    def _look_at_files(self) -> None:
        start = time.monotonic()
        if start < self._next_files:
            return
        self._done = {key for name, jobs in self.jobs.items() for key in self._files.done(name, self.facts[name], jobs)}
        self._done.update(key for jobs in self._on_demand.values() for key in jobs.done(self._folder))
        took = time.monotonic() - start
        self._next_files = start + max(FILES_SECONDS, took / FILES_FRACTION)

    def _asked_on_demand(self, study: str, done: set[JobKey]) -> dict[str, frozenset[JobKey]]:
        """Of what `all` does not ask for: that which the last run was asked for, or has run, or that is there."""
        if study not in self._on_demand:
            return {}
        possible = self._on_demand[study]
        asked = possible.asked_for(self._record.targets) if self._record is not None else set[JobKey]()
        if self._log is not None:
            asked |= {key for key in self._log.jobs if key.rule in ON_DEMAND and key.study == study}
        asked |= done & possible.files.keys()
        by_stage = {stage: frozenset(key for key in asked if key.rule == stage) for stage in ON_DEMAND}
        return {stage: keys for stage, keys in by_stage.items() if keys}

    def _state(self) -> str:
        if self._log is None:
            return "not started"
        if self._log.ended is not None:
            return self._log.ended
        of_this_log = self._record is not None and (
            self._record.log is None or Path(self._record.log).name == self._log.path.name
        )
        if of_this_log and self._record is not None and self._record.has_ended:
            return "stopped"
        return "running"

    def _stages(
        self, study: str, jobs: dict[str, frozenset[JobKey]], done: set[JobKey], over: bool
    ) -> tuple[StageState, ...]:
        logged: dict[str, Counter[str]] = {}
        if self._log is not None:
            for key, job in self._log.jobs.items():
                if key.study == study and key not in done:
                    logged.setdefault(key.rule, Counter())[self._logged_state(job, over)] += 1
        states = []
        for stage, keys in jobs.items():
            n_done = len(keys & done)
            here = logged.get(stage, Counter())
            running, queued, failed = here["running"], here["queued"], here["failed"]
            waiting = max(0, len(keys) - n_done - running - queued - failed)
            states.append(StageState(stage, len(keys), n_done, running, queued, failed, waiting))
        return tuple(states)

    def _logged_state(self, job: LoggedJob, over: bool) -> str:
        if job.state == FAILED:
            return "failed"
        if job.state != STARTED or over:
            return "waiting"
        if job.remote and job.log is not None and job.started is not None:
            with suppress(OSError):
                if os.stat(self._folder / job.log).st_mtime >= job.started - 1:
                    return "running"
            return "queued"
        return "running"

    def _trainings(self) -> tuple[TrainingState, ...]:
        shown = [run for run in self._runs.trainings.values() if self._is_shown(run)]
        shown.sort(key=lambda run: (ORDER.get(run.state, 9), run.key, run.name))
        return tuple(map(_training_state, shown))

    def _is_shown(self, run: LiveTraining) -> bool:
        """Not what has finished, or is settled by now: the model's training has finished, or failed as a job, whose log
        is shown, or the study has no such fold any more.
        """
        key = run.key
        if run.state == "finished" or key.study not in self.facts:
            return False
        job = self._log.jobs.get(key) if self._log is not None else None
        shown_as_job = job is not None and job.state == FAILED
        models, trained = self.facts[key.study].models, self._keys.get(key.study, {}).get("train", frozenset())
        other_folds = key.model in models and key not in trained
        return run.state in ("running", "silent") or not (shown_as_job or other_folds or key in self._done)

    def _searches(self) -> tuple[SearchState, ...]:
        """Of each model the newest that has trials to do: others were of other settings, or are published."""
        newest: dict[JobKey, LiveSearch] = {}
        for search in sorted(self._runs.searches.values(), key=lambda search: search.updated or 0.0):
            key = JobKey("search", search.study, search.model)
            if key not in self._done and search.study in self.facts and search.n_ended < search.trials:
                newest[key] = search
        found = []
        for search in newest.values():
            best = search.best()
            left = None
            if search.n_ended and search.begun is not None and search.updated is not None:
                left = (search.trials - search.n_ended) * (search.updated - search.begun) / search.n_ended
            found.append(
                SearchState(
                    search.study, search.model, search.state, search.trials, search.n_ended, search.n_running,
                    best[0] if best else None, best[1] if best else None, left if search.state == "running" else None,
                )
            )  # fmt: skip
        return tuple(sorted(found, key=lambda search: (search.study, search.model)))

    def _failure(self, job: LoggedJob) -> FailureState:
        lines: tuple[str, ...] = ()
        if job.log is not None:
            place = (job.log, job.ended)
            if place not in self._tails:
                self._tails[place] = last_lines(self._folder / job.log)
            lines = self._tails[place]
        return FailureState(job.key.rule, job.key.study, job.key.item, job.log, job.message, lines)


def _training_state(run: LiveTraining) -> TrainingState:
    values = run.values
    study, model, seed = run.name
    epochs = number(values.get("epochs"))
    return TrainingState(
        study=study,
        model=model,
        seed=seed,
        fold=run.fold,
        state=run.state,
        epoch=number(values.get("epoch")),
        epochs=None if epochs is None else int(epochs),
        train_loss=number(values.get("train_loss")),
        val_loss=number(values.get("val_loss")),
        best_val_loss=number(values.get("best_val_loss")),
        samples_per_second=number(values.get("samples_per_second")),
        data_wait=number(values.get("data_wait")),
        seconds_left=number(values.get("seconds_left")) if run.state == "running" else None,
        updated=number(values.get("updated")),
        host=str(values.get("host", "")),
        error=str(values["error"]) if values.get("error") else None,
    )


def last_lines(path: Path) -> tuple[str, ...]:
    """The last lines of a log that are not empty; none of a file that is away."""
    with suppress(OSError, UserError), open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read(TAIL_BYTES).decode("utf-8", "replace").splitlines()
        return tuple(line.rstrip()[:LINE_LENGTH] for line in lines if line.strip())[-TAIL_LINES:]
    return ()
