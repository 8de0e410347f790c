"""Measured rates: what one event, sample or step cost on a machine that is named, in `config/rates.yaml`."""

from pathlib import Path

from pydantic import Field

from bevatron.config.loading.load import read_yaml, validate_section
from bevatron.config.loading.yaml_text import dump_yaml
from bevatron.config.sections.section import Count, Fraction, Name, NonNegative, Positive, Section
from bevatron.errors import UserError

FORWARD = 1 / 3  # of a training step's cost: a validated sample is not learned from
HEAD = """\
# The cost of one event, sample or step, for `bevatron plan`. Written by `bevatron plan STUDY --measure`
# from the results of a finished run in the working folder; core-seconds are CPU time, memory is the largest of a job.
"""


class ShardRates(Section):
    """Making raw shards."""

    start: NonNegative = Field(description="core-seconds of a job before its first event")
    seconds: NonNegative = Field(description="core-seconds an event")
    events: Positive = Field(description="events of a shard when it was measured")
    samples: Positive = Field(description="raw samples an event")
    bytes: Positive = Field(description="raw bytes a sample, on disk")
    memory_mb: NonNegative = Field(description="memory of a job")


class SampleRates(Section):
    """From raw samples to the dataset."""

    seconds: NonNegative = Field(description="core-seconds a raw sample")
    samples_per_raw: Positive = Field(description="samples of the dataset for each raw sample")
    bytes: Positive = Field(description="bytes a sample, on disk")
    memory_bytes: Positive = Field(description="bytes a sample, in memory while learning")
    memory_mb: NonNegative = Field(description="memory of a job")
    manifest_seconds: NonNegative = Field(description="core-seconds a sample, of the manifest")
    observables_seconds: NonNegative = Field(description="core-seconds a test sample, of the observables")


class BatchRate(Section):
    """Training in steps of another size."""

    batch_size: Count = Field(description="samples of a step")
    seconds: Positive = Field(description="core-seconds a training sample")
    date: str = Field(description="day of the measurement")


class FitRates(Section):
    """Training, searching and evaluating one model."""

    architecture: str = Field(description="kind of the architecture, for models that were not measured")
    start: NonNegative = Field(description="core-seconds of a training job before its first step")
    seconds: Positive = Field(description="core-seconds a training sample")
    batch_size: Count | None = Field(default=None, description="samples of a step when that was measured")
    other_batches: list[BatchRate] = Field(
        default=[], description="the same in steps of the sizes that the study has at other scales"
    )
    evaluate_start: NonNegative = Field(description="core-seconds of an evaluation before its first sample")
    evaluate_seconds: NonNegative = Field(description="core-seconds a test sample and seed")
    memory_mb: NonNegative = Field(description="memory of a training job beside its samples")
    bytes: NonNegative = Field(description="bytes a seed, of weights and history")
    evaluate_bytes: NonNegative = Field(description="bytes a test sample and seed, of predictions and metrics")
    searched_fraction: Fraction | None = Field(
        default=None, description="fraction of all epochs of all trials that a search goes through"
    )

    def seconds_at(self, batch_size: int | str) -> float:
        """Core-seconds a training sample in steps of that size: as measured for it, or for the next smaller one, whose
        samples cost more; where neither is known, for the smallest.
        """
        known = {self.batch_size or 1: self.seconds} | {other.batch_size: other.seconds for other in self.other_batches}
        if not isinstance(batch_size, int):
            return self.seconds
        return known[max((size for size in known if size <= batch_size), default=min(known))]

    def knows(self, batch_size: int | str) -> bool:
        """Whether steps of that size were measured."""
        return batch_size in {self.batch_size, *(other.batch_size for other in self.other_batches)}


class StudyRates(Section):
    """The rates of one study, all measured on one machine on one day."""

    date: str = Field(description="day of the measurement")
    machine: str = Field(description="processor and accelerator it was made on")
    scale: str = Field(description="scale of the run it was made in")
    simulate: ShardRates = Field(description="making raw shards")
    prepare: SampleRates = Field(description="making samples")
    fits: dict[Name, FitRates] = Field(description="by model", min_length=1)
    report_seconds: NonNegative = Field(description="core-seconds of the study's page")
    report_bytes: NonNegative = Field(description="bytes of the study's page")

    def of_larger_samples(self, factor: float) -> "StudyRates":
        """The rates of samples with `factor` times as many numbers, for all that goes with their size."""
        simulate = self.simulate.model_copy(
            update={name: getattr(self.simulate, name) * factor for name in ("seconds", "bytes")}
        )
        of_size = ("seconds", "bytes", "memory_bytes", "manifest_seconds", "observables_seconds")
        prepare = self.prepare.model_copy(update={name: getattr(self.prepare, name) * factor for name in of_size})
        return self.model_copy(update={"simulate": simulate, "prepare": prepare})

    def with_batches_of(self, other: "StudyRates") -> "StudyRates":
        """These rates, and those of other batch sizes that were measured on the same machine."""
        if other.machine != self.machine:
            return self
        fits = {
            name: fits.model_copy(update={"other_batches": other.fits[name].other_batches})
            if name in other.fits and not fits.other_batches
            else fits
            for name, fits in self.fits.items()
        }
        return self.model_copy(update={"fits": fits})

    def fits_of(self, model: str, architecture: str) -> tuple[FitRates, str]:
        """The rates of a model; of one not measured, those of the slowest of its architecture, else of all."""
        if model in self.fits:
            return self.fits[model], model
        alike = {name: f for name, f in self.fits.items() if f.architecture == architecture} or self.fits
        name = max(alike, key=lambda other: alike[other].seconds)
        return alike[name], name


class Rates(Section):
    """The file `config/rates.yaml`."""

    studies: dict[Name, StudyRates] = Field(default={}, description="by study")


def load_rates(path: Path) -> Rates:
    """The file at `path`; none at all where it is absent."""
    return validate_section(Rates, read_yaml(path), path) if path.is_file() else Rates()


def rates_of(path: Path, study: str) -> StudyRates:
    """The stored rates of a study; raises UserError where there are none."""
    studies = load_rates(path).studies
    if study not in studies:
        known = ", ".join(studies) or "none"
        todo = f"run its demo here and then `bevatron plan {study} --measure`; measured so far: {known}"
        raise UserError(path, f"has no rates of the study '{study}'", todo)
    return studies[study]


def rates_text(rates: Rates) -> str:
    """The rates as the text of `config/rates.yaml`."""
    return HEAD + dump_yaml(rates.model_dump(mode="json", exclude_none=True))
