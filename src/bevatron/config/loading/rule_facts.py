"""What the workflow's rules need to know of the studies, without importing PyTorch for it.

Validating a study imports the module of each of its architectures, and so PyTorch: two seconds of every `snakemake`
command, and of every batch job, which starts a Snakemake of its own. So the few values that rules use are kept in a
file and used again as long as the study's file, the scale and the code of Bevatron are the same, byte for byte. Files
that somebody else simulated are looked for each time.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pydantic

from bevatron.config.loading.digest import digest_of
from bevatron.config.loading.identity import (
    dataset_digest,
    external_files,
    learned_task,
    raw_digest,
    validation_digest,
)
from bevatron.config.loading.kinds import ARCHITECTURES, CLAIM_TESTS
from bevatron.config.loading.load import load_study
from bevatron.config.loading.missing_data import missing_files
from bevatron.config.loading.project_modules import code_digests, files_of_modules
from bevatron.config.loading.whole_dataset import needs_totals
from bevatron.config.sections.application import Application
from bevatron.config.sections.model import Model
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.json_text import read_json

PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True)
class ModelFacts:
    """A model. settings: a digest of what its search and its trainings depend on; exported: whether ONNX knows it.

    The rest says how long its trainings are: kind of the architecture, seeds, epochs, samples of a step and of an
    epoch (None: of the whole split), epochs between validations.
    """

    threads: int
    members: tuple[str, ...]
    searched: bool
    exported: bool
    settings: str
    architecture: str
    seeds: int
    epochs: int
    batch_size: int | str
    samples: int | None
    validate_every: int


@dataclass(frozen=True)
class VariationFacts:
    """A systematic variation of a study; shards, reads, raw, dataset and files are as those of the study."""

    shards: int
    reads: dict[str, Any] | None
    raw: str
    dataset: str
    files: tuple[tuple[str, ...], ...] = ()

    @property
    def raw_with_files(self) -> str:
        """As of the study."""
        return digest_of(self.raw, self.files) if self.files else self.raw


@dataclass(frozen=True)
class StudyFacts:
    """A study. raw, validation, dataset, evaluation, whole: digests of what these parts depend on; totals: whether a
    shard is prepared with sums over all raw shards; folds, fold_parts: of a cross-validation their number, and each
    one's parts.

    reads: the section `simulation` of a study whose source can read files, else None; files: for each shard the
    external files that it is read from; missing: why the study is left out, if it is. applications: the section
    `apply`.
    """

    shards: int
    optional: bool
    reads: dict[str, Any] | None
    validate_source: bool
    validation: str
    raw: str
    dataset: str
    evaluation: str
    whole: str
    totals: bool
    folds: int
    fold_parts: tuple[str, ...]
    models: dict[str, ModelFacts]
    variations: dict[str, VariationFacts]
    applications: dict[str, dict[str, Any]]
    files: tuple[tuple[str, ...], ...] = ()
    missing: str | None = None

    def application(self, name: str) -> Application:
        """An entry of the section `apply`."""
        return Application.model_validate(self.applications[name])

    @property
    def raw_with_files(self) -> str:
        """What raw shards depend on: with files of others also which these are, as they number the samples."""
        return digest_of(self.raw, self.files) if self.files else self.raw


def load_facts(names: Iterable[str], scale: str, folder: Path, kept: Path) -> dict[str, StudyFacts]:
    """The facts of each study in `folder`, from the file `kept` where it has them; else the study is validated.

    Raises as `load_study` does. A file that is not there, is damaged or cannot be written changes the time alone.
    """
    known = _read(kept)
    facts, keys = {}, {}
    for name in names:
        keys[name] = _key(folder / f"{name}.yaml", scale)
        entry = known.get(f"{name} {scale}", {})
        found = _facts_in(entry) if isinstance(entry, dict) and entry.get("key") == keys[name] else None
        facts[name] = _with_files(found or _facts_of(load_study(name, scale, folder)))
    new = {f"{name} {scale}": {"key": keys[name], "facts": _payload(found)} for name, found in facts.items()}
    if any(known.get(name) != entry for name, entry in new.items()):
        _write(kept, known | new)
    return facts


def _facts_of(study: Study) -> StudyFacts:
    return StudyFacts(
        shards=study.simulation.asked_shards or 1,
        optional=study.optional,
        reads=_reads(study),
        validate_source=study.evaluation.validate_source,
        validation=validation_digest(study),
        raw=raw_digest(study),
        dataset=dataset_digest(study),
        evaluation=digest_of(study.evaluation, study.task),
        whole=digest_of(study, *_code(*(CLAIM_TESTS[claim.test.kind] for claim in study.claims))),
        totals=needs_totals(study),
        folds=study.dataset.folds or 0,
        fold_parts=study.dataset.fold_parts,
        models={name: _model_facts(study, model) for name, model in study.models.items()},
        variations={name: _variation_facts(study.varied(name)) for name in study.variations},
        applications={name: application.model_dump(mode="json") for name, application in study.apply.items()},
    )


def _reads(study: Study) -> dict[str, Any] | None:
    return study.simulation.model_dump(mode="json") if hasattr(study.simulation.source, "files_by_shard") else None


def _variation_facts(varied: Study) -> VariationFacts:
    return VariationFacts(
        shards=varied.simulation.asked_shards or 1,
        reads=_reads(varied),
        raw=raw_digest(varied),
        dataset=digest_of(dataset_digest(varied), dataset_digest(varied.nominal)),  # its totals are the nominal ones
    )


def _model_facts(study: Study, model: Model) -> ModelFacts:
    settings = model.model_dump(mode="json", exclude={"title", "published"})
    architecture = ARCHITECTURES[model.architecture.kind]
    return ModelFacts(
        threads=model.training.threads,
        members=tuple(model.members),
        searched=model.search is not None,
        exported=not hasattr(architecture, "NO_ONNX"),
        settings=digest_of(learned_task(study), study.n_seeds, settings, *_code(architecture)),
        architecture=model.architecture.kind,
        seeds=study.n_seeds,
        epochs=model.training.epochs,
        batch_size=model.training.batch_size,
        samples=model.training.samples,
        validate_every=model.training.validate_every,
    )


def _code(*components: Any) -> list[dict[str, str]]:
    """Of those in the user's project, by module the digest of its code; nothing for Bevatron's own."""
    return list(filter(None, [code_digests(*components)]))


def _with_files(facts: StudyFacts) -> StudyFacts:
    """The facts, and what the disk has now of the files that the study reads."""
    if facts.reads is None:
        return facts
    simulation = Simulation.model_validate(facts.reads)
    if facts.optional and (missing := missing_files(simulation)):
        return replace(facts, missing=missing)
    variations = {}
    for name, variation in facts.variations.items():
        varied = Simulation.model_validate(variation.reads)
        if facts.optional and (missing := missing_files(varied)):
            return replace(facts, missing=f"{missing} (variation {name})")
        files = tuple(map(tuple, external_files(varied)))
        variations[name] = replace(variation, shards=varied.shards, files=files)
    files = tuple(map(tuple, external_files(simulation)))
    return replace(facts, shards=simulation.shards, files=files, variations=variations)


def _key(path: Path, scale: str) -> str:
    with suppress(OSError):
        project = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files_of_modules()}
        parts = hashlib.sha256(path.read_bytes()).hexdigest(), _code_digest(), *filter(None, [project])
        return digest_of(scale, *parts)
    return ""  # load_study says what is wrong with the file


@cache
def _code_digest() -> str:
    """Of all that decides how a study's file is understood."""
    total = hashlib.sha256(f"{sys.version} {pydantic.VERSION}".encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        content = path.read_bytes()
        total.update(f"{path.relative_to(PACKAGE)} {len(content)} ".encode() + content)
    return total.hexdigest()


def _payload(facts: StudyFacts) -> dict[str, Any]:
    payload = {name: value for name, value in asdict(facts).items() if name not in ("files", "missing")}
    for variation in payload["variations"].values():
        del variation["files"]
    return payload


def _facts_in(entry: dict[str, Any]) -> StudyFacts | None:
    """The facts in an entry of the file; None where they are not what this Bevatron writes."""
    try:
        facts = dict(entry["facts"])
        models = {
            name: ModelFacts(**model | {"members": tuple(model["members"])})
            for name, model in facts.pop("models").items()
        }
        variations = {name: VariationFacts(**variation) for name, variation in facts.pop("variations").items()}
        if facts["reads"] is not None:
            Simulation.model_validate(facts["reads"])
        facts["fold_parts"] = tuple(facts["fold_parts"])
        for application in facts["applications"].values():
            Application.model_validate(application)
        return StudyFacts(**facts, models=models, variations=variations)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _read(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, UserError):
        content = read_json(path)
        return content if isinstance(content, dict) else {}
    return {}


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(content), encoding="utf-8")
        os.replace(part, path)
