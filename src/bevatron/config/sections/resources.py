"""The file `config/resources.yaml`: what each rule's jobs ask of a batch system, and how that grows and is bounded."""

from typing import Annotated

from pydantic import Field

from bevatron.config.sections.section import MOST, Count, Positive, Section

Whole = Annotated[int, Field(ge=0, le=MOST, strict=True)]
AtLeastOne = Annotated[float, Field(ge=1.0, allow_inf_nan=False)]
Place = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)?$", max_length=121)]

RULES = (
    "simulate",
    "totals",
    "prepare",
    "manifest",
    "observables",
    "validate_source",
    "search",
    "train",
    "evaluate",
    "export",
    "apply",
    "report",
)
SHARD_RULES = ("simulate", "prepare")  # many small jobs, which go to the batch system several at a time
SEVERAL_NODES = ("search", "train")  # the only rules whose commands use more than one node


class JobResources(Section):
    """What one job of a rule asks for; CPU cores, GPUs and memory are those of each node."""

    nodes: Count = Field(default=1, description="nodes; more than one for search and train alone")
    cpus: Count = Field(default=1, description="CPU cores of each node; the rule's threads")
    gpus: Whole = Field(default=0, description="GPUs of each node; with 0, a local run uses those that it sees")
    memory_gb: Positive = Field(default=4.0, description="memory of each node, in units of 10⁹ bytes")
    minutes: Count = Field(default=60, description="time limit of the first attempt")


class JobResourceOverrides(Section):
    """The needs that an override changes; the others stay as they are."""

    nodes: Count | None = Field(default=None, description="nodes")
    cpus: Count | None = Field(default=None, description="CPU cores of each node")
    gpus: Whole | None = Field(default=None, description="GPUs of each node")
    memory_gb: Positive | None = Field(default=None, description="memory of each node, in units of 10⁹ bytes")
    minutes: Count | None = Field(default=None, description="time limit of the first attempt")


class Rules(Section):
    """The needs of every rule."""

    simulate: JobResources = Field(default=JobResources(memory_gb=2, minutes=10), description="make one raw shard")
    totals: JobResources = Field(
        default=JobResources(memory_gb=2, minutes=120),
        description="sum over all raw shards what preparing each of them needs",
    )
    prepare: JobResources = Field(
        default=JobResources(memory_gb=2, minutes=5), description="make the samples of one raw shard"
    )
    manifest: JobResources = Field(
        default=JobResources(memory_gb=2), description="check all sample shards and list them"
    )
    observables: JobResources = Field(default=JobResources(), description="measure observables without a network")
    validate_source: JobResources = Field(
        default=JobResources(), description="compare the source with published numbers"
    )
    search: JobResources = Field(
        default=JobResources(cpus=2, memory_gb=8, minutes=240), description="search a model's hyperparameters"
    )
    train: JobResources = Field(default=JobResources(minutes=240), description="train all seeds of a model")
    evaluate: JobResources = Field(default=JobResources(), description="predict with all seeds of a model and measure")
    export: JobResources = Field(
        default=JobResources(minutes=30), description="write a model as ONNX files, with its card"
    )
    apply: JobResources = Field(default=JobResources(), description="score the events of one file with a model")
    report: JobResources = Field(
        default=JobResources(minutes=30), description="decide a study's claims and write its page; write the ledger"
    )


class Overrides(Section):
    """The needs of a study's or a model's jobs where they differ from the rule's."""

    simulate: JobResourceOverrides | None = Field(default=None, description="of a study's raw shards")
    totals: JobResourceOverrides | None = Field(default=None, description="of a study's sums over its raw shards")
    prepare: JobResourceOverrides | None = Field(default=None, description="of a study's sample shards")
    manifest: JobResourceOverrides | None = Field(default=None, description="of a study's manifest")
    observables: JobResourceOverrides | None = Field(default=None, description="of a study's observables")
    validate_source: JobResourceOverrides | None = Field(
        default=None, description="of a study's source with published numbers"
    )
    search: JobResourceOverrides | None = Field(default=None, description="of a study's or a model's search")
    train: JobResourceOverrides | None = Field(default=None, description="of a study's or a model's training")
    evaluate: JobResourceOverrides | None = Field(default=None, description="of a study's or a model's evaluation")
    export: JobResourceOverrides | None = Field(default=None, description="of a study's or a model's export")
    apply: JobResourceOverrides | None = Field(
        default=None, description="of a study's or a model's application to files"
    )


class RetryScaling(Section):
    """Factors from one attempt to the next, for a job that failed is submitted again with more."""

    memory: AtLeastOne = Field(default=2.0, description="of the memory")
    minutes: AtLeastOne = Field(default=1.5, description="of the time limit")


class Limits(Section):
    """What no job may exceed, however often it is submitted again: the site's largest node and longest time."""

    nodes: Count = Field(default=64, description="nodes of a job")
    cpus: Count = Field(default=128, description="CPU cores of a node")
    gpus: Whole = Field(default=8, description="GPUs of a node")
    memory_gb: Positive = Field(default=240.0, description="memory of a node, in units of 10⁹ bytes")
    minutes: Count = Field(default=2880, description="time limit of a job")


class Shards(Section):
    """How many raw shards one batch job simulates and prepares, one after the other."""

    per_job: Count = Field(
        default=20, description="shards of one batch job, which should last ten minutes to a few hours"
    )


class Resources(Section):
    """What the jobs ask for. A key that is left out has the default below; the site's file is merged over this one."""

    rules: Rules = Field(default_factory=Rules, description="resources of every rule")
    overrides: dict[Place, Overrides] = Field(
        default_factory=dict,
        description="other needs for one study, key 'study', or one model, key 'study/model', which takes precedence",
    )
    retry_scaling: RetryScaling = Field(
        default_factory=RetryScaling, description="factors from one attempt to the next"
    )
    limits: Limits = Field(default_factory=Limits, description="what no job may exceed")
    shards: Shards = Field(default_factory=Shards, description="how many shards make one batch job")

    def needs(self, rule: str, study: str | None = None, model: str | None = None) -> JobResources:
        """The needs of a rule's job, with the overrides for its study and its model."""
        needs = getattr(self.rules, rule)
        for key in (study, f"{study}/{model}") if study else ():
            other = getattr(self.overrides.get(key), rule, None)
            if other is not None:
                needs = needs.model_copy(update=other.model_dump(exclude_none=True))
        return needs

    def memory_gb(self, needs: JobResources, attempt: int) -> float:
        """Memory of each node at an attempt; 1 is the first."""
        return min(needs.memory_gb * self.retry_scaling.memory ** (attempt - 1), self.limits.memory_gb)

    def minutes(self, rule: str, needs: JobResources, attempt: int, study: str | None = None) -> int:
        """Time limit at an attempt. A batch job of shards adds up theirs, and the sum must stay below the limit."""
        limit = self.limits.minutes
        if rule in SHARD_RULES:
            limit = max(1, int(limit * needs.minutes / self.minutes_of_shards(study)))
        return min(round(needs.minutes * self.retry_scaling.minutes ** (attempt - 1)), limit)

    def minutes_of_shards(self, study: str | None) -> int:
        """Time limit of a full batch job of shards at the first attempt."""
        return self.shards.per_job * sum(self.needs(rule, study).minutes for rule in SHARD_RULES)
