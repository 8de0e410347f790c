"""What a rule's job asks of the batch system, in the words of Snakemake's executor plugins."""

import math
import shlex
from dataclasses import dataclass

from bevatron.config.sections.resources import SEVERAL_NODES, SHARD_RULES, JobResources, Resources
from bevatron.config.sections.site import Site

# Names that a rule's resources have; a value of None leaves one out.
NAMES = (
    "mem_mb", "runtime", "slot", "nodes", "mpi", "tasks", "tasks_per_gpu", "gpu", "gpu_model", "slurm_account",
    "slurm_partition", "slurm_extra", "constraint", "qos", "htcondor_request_mem_mb", "request_gpus", "machine",
)  # fmt: skip
GROWING = ("mem_mb", "runtime", "htcondor_request_mem_mb")  # from attempt to attempt


@dataclass(frozen=True)
class RuleResources:
    """The table of resources as one site reads it."""

    table: Resources
    site: Site

    def threads(self, rule: str, study: str | None = None, model: str | None = None) -> int:
        """CPU cores of each node."""
        return self.table.needs(rule, study, model).cpus

    def resources(
        self, rule: str, study: str | None, model: str | None, attempt: int, threads: int
    ) -> dict[str, int | str | None]:
        """Every resource of one job at one attempt; `threads` is what the job really gets of its cores.

        Slurm: `mem_mb` is of each node; for a job of several nodes `mpi` makes the plugin run the rule's command once,
        in the batch step on the first node, and not under srun.
        """
        needs = self.table.needs(rule, study, model)
        memory = math.ceil(self.table.memory_gb(needs, attempt) * 1000)
        several = needs.nodes > 1
        return {
            "mem_mb": memory,
            "runtime": self.table.minutes(rule, needs, attempt, study),
            # a batch job has one slot, so that its shards' times are added up, not their cores and memory
            "slot": 1 if rule in SHARD_RULES else None,
            # without a number of nodes Slurm may spread GPUs; shards have none, for a group would add them up
            "nodes": needs.nodes if several or needs.gpus else None,
            "mpi": "srun" if several else None,
            "tasks": needs.nodes if several else None,
            "tasks_per_gpu": 0 if several and needs.gpus else None,  # else the plugin takes `tasks` for it
            "gpu": needs.nodes * needs.gpus or None,
            "gpu_model": self.site.gpu_type if needs.gpus else None,
            "slurm_account": self.site.account,
            "slurm_partition": (needs.gpus and self.site.gpu_partition) or self.site.partition,
            "slurm_extra": shlex.join([*self._each_node(needs), *self.site.sbatch]) or None,
            "constraint": self.site.constraint,
            "qos": self.site.qos,
            "htcondor_request_mem_mb": memory,
            "request_gpus": needs.gpus or None,
            "machine": _machine(rule, needs, threads) if rule in SEVERAL_NODES else None,
        }

    def constant_threads(self, rule: str) -> int | None:
        """The CPU cores of each of the rule's jobs, if they are the same for all."""
        found = {self.threads(rule, *job) for job in self._kinds_of_jobs()}
        return found.pop() if len(found) == 1 else None

    def constant_resources(self, rule: str) -> dict[str, int | str | None]:
        """Those resources that are the same for all of the rule's jobs, at every attempt and number of threads."""
        first, *others = (self.resources(rule, *job, attempt=1, threads=1) for job in self._kinds_of_jobs())
        of_threads = ("machine",) if rule in SEVERAL_NODES else ()
        return {
            name: value
            for name, value in first.items()
            if name not in (*GROWING, *of_threads) and all(other[name] == value for other in others)
        }

    def _kinds_of_jobs(self) -> list[tuple[str | None, str | None]]:
        """A study and a model of each kind of job between which the table makes a difference."""
        kinds: list[tuple[str | None, str | None]] = [(None, None)]
        for place in self.table.overrides:
            study, _, model = place.partition("/")
            kinds.append((study, model or None))
        return kinds

    def _each_node(self, needs: JobResources) -> list[str]:
        """Arguments of sbatch that give every node its part: a total alone may be spread unevenly."""
        if needs.nodes == 1:
            return []
        kind = f"{self.site.gpu_type}:" if self.site.gpu_type else ""
        return ["--ntasks-per-node=1"] + ([f"--gpus-per-node={kind}{needs.gpus}"] if needs.gpus else [])


def _machine(rule: str, needs: JobResources, threads: int) -> str:
    """The options by which `bevatron search` and `bevatron train` learn what they were given.

    A table without GPUs leaves a command those it sees: on a laptop, all.
    """
    workers = f"--workers {needs.nodes * max(needs.gpus, 1)} " if rule == "train" else ""
    gpus = f" --gpus {needs.gpus}" if needs.gpus else ""
    return f"--nodes {needs.nodes} {workers}--cpus {threads}{gpus}"
