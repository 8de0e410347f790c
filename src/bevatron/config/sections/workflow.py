"""The file `config/config.yaml`: what the workflow runs, at which scale, and where it puts things."""

from typing import Literal

from pydantic import Field

from bevatron.config.sections.loggers import DEFAULT_LOGGERS, LoggerSection
from bevatron.config.sections.section import Integer, Name, Positive, Section


class DataLoading(Section):
    """How datasets are read while learning."""

    memory_budget_gb: Positive = Field(
        default=4.0,
        description="a split whose tensors fit into this many GB stays in memory; a larger one is streamed",
    )
    gpu_budget_gb: Positive = Field(
        default=16.0,
        description="a split that fits into this many GB of GPU memory is kept there, where there is a GPU",
    )
    block_rows: Integer = Field(default=16_000, ge=1, description="samples read at once when streaming")
    buffer_blocks: Integer = Field(default=8, ge=1, description="blocks among which streamed samples are shuffled")
    partitions: Integer = Field(
        default=64,
        ge=1,
        le=4096,
        description="parts of a split that give samples in turn; W workers read 1/W of it each if W divides this",
    )


class Ray(Section):
    """Where searches and several-worker trainings find their Ray cluster."""

    address: str | None = Field(
        default=None,
        description="an existing cluster, host:port; default: a private one, over the nodes of the batch job",
    )
    token: str | None = Field(
        default=None, description="file with the token of the existing cluster, readable by you alone"
    )
    cpus: Integer | None = Field(
        default=None, ge=1, description="CPU cores of each node of a private cluster; default: those the job was given"
    )
    gpus: Integer | None = Field(
        default=None,
        ge=0,
        description="GPUs of each node of a private cluster; default: those the job was given, or visible",
    )
    dashboard: bool = Field(default=True, description="start the dashboard, on loopback")
    start_seconds: Positive = Field(default=120, description="how long to wait for all nodes of a private cluster")


class Workers(Section):
    """How several workers fit one model together."""

    strategy: Literal["ddp", "fsdp"] = Field(
        default="ddp",
        description="'ddp': every worker keeps the whole model; 'fsdp': weights and gradients are shared out",
    )
    restarts: Integer = Field(
        default=2, ge=0, description="how often a job starts its workers again when one of them has died"
    )
    timeout_seconds: Positive = Field(
        default=1800, description="how long a worker waits for the others before it gives up"
    )


class ReportSettings(Section):
    """What the report leaves beside its pages."""

    pdf: Literal["shown", "all", "none"] = Field(
        default="shown",
        description="figures that are also written as PDF, for papers: those that a page shows at once, 'all', or "
        "'none'; a PDF takes about half as long as the figure itself",
    )


class Workflow(Section):
    """What the workflow runs."""

    scale: Literal["demo", "laptop", "paper"] = Field(
        default="demo",
        description="'demo': two cores, minutes; 'laptop': two cores, an evening; 'paper': the published sizes",
    )
    studies: list[Name] = Field(description="studies to run, each a file in config/studies/", min_length=1)
    modules: str | None = Field(
        default=None,
        description="folder, in the project's folder, of modules of your own: sources, recipes, architectures and "
        "claim tests. Bevatron imports them, and so runs their code",
    )
    course: str | None = Field(
        default=None,
        pattern=r"^[\w-]+\.yaml$",
        description="file, in the configuration's folder, with the index of a course: what it says, and the claims "
        "that test it; the ledger shows it",
    )
    runs_dir: str = Field(
        default="runs", description="folder of the live state of searches and trainings, which survives a kill"
    )
    accelerator: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="device for training and evaluation"
    )
    data_loading: DataLoading = Field(default_factory=DataLoading, description="how datasets are read in training")
    ray: Ray = Field(default_factory=Ray, description="Ray cluster of searches and several-worker trainings")
    loggers: list[LoggerSection] = Field(
        default_factory=lambda: list(DEFAULT_LOGGERS),
        description="where trainings report their losses as they run, beside history.csv; [] for nowhere",
    )
    workers: Workers = Field(default_factory=Workers, description="trainings by several workers together")
    fork_server: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="jobs start by a fork of a process that has imported PyTorch and Lightning once: 'auto' where "
        "Snakemake runs them on its own machine, 'on' also inside batch jobs, 'off' never",
    )
    report: ReportSettings = Field(default_factory=ReportSettings, description="files beside the report's pages")
    grace_seconds: Positive = Field(
        default=60, description="seconds before the end of the batch job at which trainings save their state and stop"
    )
