"""The file `profiles/site/site.yaml`: what is peculiar to one batch system."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from bevatron.config.sections.section import Count, Section

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.,@+-]+$", max_length=200)]

# What the executor plugin says itself, from the table; said twice, sbatch would take either.
MANAGED = (
    "-A", "-c", "-C", "-D", "-e", "-J", "-n", "-N", "-o", "-p", "-t", "--account", "--clusters", "--comment",
    "--constraint", "--cpus-per-gpu", "--cpus-per-task", "--error", "--export", "--gpus", "--gpus-per-node", "--gres",
    "--job-name", "--mem", "--mem-per-cpu", "--nodes", "--ntasks", "--ntasks-per-gpu", "--ntasks-per-node", "--output",
    "--parsable", "--partition", "--qos", "--requeue", "--no-requeue", "--time",
)  # fmt: skip


class Site(Section):
    """One batch system: whom to charge, where to run, and how its resources differ from the table."""

    account: Word | None = Field(default=None, description="Slurm account; default: the one Slurm has for you")
    partition: Word | None = Field(default=None, description="partition of jobs without GPU; default: the default one")
    gpu_partition: Word | None = Field(default=None, description="partition of jobs with GPUs; default: as `partition`")
    gpu_type: Word | None = Field(
        default=None, description="type of the GPUs to request, as in --gpus=TYPE:N; default: any"
    )
    constraint: str | None = Field(
        default=None, max_length=200, description="sbatch's --constraint: features of the nodes"
    )
    qos: Word | None = Field(default=None, description="sbatch's --qos: quality of service")
    sbatch: list[str] = Field(
        default=[], description="more arguments for sbatch, one an entry, such as --mail-type=FAIL"
    )
    status_command: Literal["sacct", "squeue"] | None = Field(
        default=None,
        description="command that gives the state of jobs; default: sacct if Slurm has accounting, else squeue",
    )
    jobs: Count = Field(default=200, description="batch jobs queued or running at once, at most")
    resources: dict[str, Any] = Field(
        default_factory=dict,
        description="keys of config/resources.yaml that are different at this site, merged over that file",
    )

    @field_validator("sbatch")
    @classmethod
    def _check_sbatch(cls, arguments: list[str]) -> list[str]:
        for argument in arguments:
            if not argument.startswith("-") or any(c in argument for c in "\n\r\0"):
                raise ValueError(f"expected arguments such as --mail-type=FAIL, found {argument!r}")
            name = argument.split("=")[0] if argument.startswith("--") else argument[:2]
            if name in MANAGED:
                raise ValueError(f"{name} follows from the table and the keys of this file, found {argument!r}")
        return arguments
