"""Jobs that `all` does not ask for: exported models and files of scores."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from bevatron.config.loading.application_files import application_files
from bevatron.config.loading.rule_facts import StudyFacts
from bevatron.errors import UserError
from bevatron.store.files.names import raw_shard
from bevatron.watch.expected_jobs import is_there, training_items
from bevatron.watch.job_key import JobKey

EXPORT, APPLY = "export", "apply"  # stages, and the targets of Snakemake that ask for all their jobs
STAGES = (EXPORT, APPLY)


class OnDemandJobs:
    """Those of a study that it could have, each with its file; the files to apply models to are looked for once."""

    def __init__(self, study: str, facts: StudyFacts):
        self.files = dict(_exports(study, facts))
        self._needs: dict[JobKey, JobKey] = {}
        for name in facts.applications:
            self._add_scores(study, facts, name)

    def _add_scores(self, study: str, facts: StudyFacts, name: str) -> None:
        entry = facts.application(name)
        raw = [f"results/{study}/raw/{raw_shard(number)}" for number in range(facts.shards)]
        stems: dict[str, str] = {}
        with suppress(UserError, OSError):  # Snakemake says what is wrong
            stems = application_files(entry.files or raw, "")
        onnx = entry.backend == "onnx"
        known = [model for model, of_model in facts.models.items() if of_model.exported or not onnx]
        for model in entry.models or known:
            for stem in stems:
                key = JobKey(APPLY, study, f"{name}/{model}/{stem}.{entry.format}")
                self.files[key] = f"results/{study}/scores/{key.item}"
                if onnx:
                    self._needs[key] = JobKey(EXPORT, study, model)

    def asked_for(self, targets: Collection[str]) -> set[JobKey]:
        """The jobs that a run of Snakemake with these targets was asked for, and what they need of this kind."""
        names = {target.removeprefix("./") for target in targets}
        asked = {key for key, path in self.files.items() if key.rule in names or path in names}
        return asked | {self._needs[key] for key in asked if key in self._needs}

    def done(self, folder: Path) -> Iterator[JobKey]:
        """The jobs whose files are there, in the workflow's folder."""
        there: dict[Path, bool] = {}  # folders of models, most of which are away
        for key, name in self.files.items():
            path = folder / name
            parent = path.parent
            if parent not in there:
                there[parent] = is_there(parent)
            if there[parent] and is_there(path):
                yield key


def _exports(study: str, facts: StudyFacts) -> Iterator[tuple[JobKey, str]]:
    for item in training_items(facts):
        key = JobKey(EXPORT, study, item)
        if facts.models[key.model].exported:
            yield key, f"results/{study}/export/{item}/export.json"
