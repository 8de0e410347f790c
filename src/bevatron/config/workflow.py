"""The file `config/config.yaml`: what the workflow runs, at which scale, and where it puts things."""

from typing import Literal

from pydantic import Field

from bevatron.config.section import Name, Positive, Section


class Reading(Section):
    """How datasets are read while learning."""

    memory_budget_gb: Positive = Field(
        4.0,
        description="a split whose tensors fit into this many GB stays in memory; a larger one is streamed",
    )
    gpu_budget_gb: Positive = Field(
        16.0,
        description="a split that fits into this many GB of GPU memory is kept there, where there is a GPU",
    )
    block_rows: int = Field(16_000, ge=1, description="samples read at once when streaming")
    buffer_blocks: int = Field(8, ge=1, description="blocks among which streamed samples are shuffled")


class Ray(Section):
    """Where searches and several-worker trainings find their Ray cluster."""

    address: str | None = Field(None, description="an existing cluster, host:port; absent: a private local one")
    cpus: int | None = Field(None, ge=1, description="CPU cores of a local cluster; absent: those the job was given")
    gpus: int | None = Field(None, ge=0, description="GPUs of a local cluster; absent: those visible")
    dashboard: bool = Field(True, description="start the dashboard, on loopback")


class Workflow(Section):
    """What the workflow runs."""

    scale: Literal["demo", "paper"] = Field(
        "demo", description="'demo': two cores, minutes, no GPU; 'paper': the published sizes"
    )
    studies: list[Name] = Field(description="studies to run, each a file in config/studies/", min_length=1)
    runs: str = Field("runs", description="folder of the live state of searches and fits, which survives a kill")
    accelerator: Literal["auto", "cpu", "cuda"] = Field("auto", description="device that fits and evaluates")
    reading: Reading = Field(default_factory=Reading, description="how datasets are read while learning")
    ray: Ray = Field(default_factory=Ray, description="Ray cluster of the searches")
