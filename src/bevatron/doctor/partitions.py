"""The partitions that jobs would go to, against what the table asks for them."""

from collections.abc import Iterator
from dataclasses import dataclass

from bevatron.config.sections.resources import JobResources
from bevatron.doctor.case import Case, ask
from bevatron.doctor.finding import Finding, bad, good, note
from bevatron.doctor.gpus import gpus_of

GONE = ("down", "drain", "fail", "unk", "inval", "power_down", "future", "maint")
DAY = 24 * 60


@dataclass(frozen=True)
class Node:
    """A node of a partition; memory in units of 10⁶ bytes, as Slurm's MB are taken."""

    name: str
    cpus: int
    memory_mb: int
    gres: str

    def holds(self, needs: JobResources, gpu_type: str | None) -> bool:
        """Whether a job's needs fit on the node."""
        return (
            self.cpus >= needs.cpus
            and self.memory_mb >= needs.memory_gb * 1000
            and gpus_of(self.gres, gpu_type if needs.gpus else None) >= needs.gpus
        )


@dataclass(frozen=True)
class Partition:
    """A partition's nodes that are not gone, and its longest time in minutes; None has no end."""

    name: str
    nodes: list[Node]
    minutes: int | None
    max_nodes: int | None


def check_partitions(case: Case) -> Iterator[Finding]:
    """Every kind of job in the table must find its nodes and its time."""
    default = _default_partition()
    jobs: dict[str | None, list[tuple[str, JobResources, int]]] = {}
    for job in case.jobs():
        name = (job[1].gpus and case.site.gpu_partition) or case.site.partition or default
        jobs.setdefault(name, []).append(job)
    for name, kinds in jobs.items():
        if name is None:
            yield bad("partition", "none is named, and Slurm has no default", "set `partition` in the site's file")
            continue
        partition = read_partition(name)
        if partition is None:
            yield bad("partition", f"there is no '{name}'", f"set it to one of: {', '.join(_partitions()) or 'none'}")
            continue
        problems = [finding for job in kinds for finding in _problems(case, partition, *job)]
        yield from problems
        if not problems:
            yield good(f"partition {name}", f"{len(partition.nodes)} nodes; all {len(kinds)} kinds of jobs fit")
        yield from _later_attempts(case, partition, [needs for _, needs, _ in kinds])


def _problems(case: Case, partition: Partition, name: str, needs: JobResources, minutes: int) -> Iterator[Finding]:
    what = f"{name} in {partition.name}"
    fitting = sum(node.holds(needs, case.site.gpu_type) for node in partition.nodes)
    if fitting < needs.nodes:
        gpus = f", {needs.gpus} GPUs{f' ({case.site.gpu_type})' if case.site.gpu_type else ''}" if needs.gpus else ""
        request = f"{needs.nodes} × {needs.cpus} CPUs{gpus}, {needs.memory_gb:g} GB are asked for"
        yield bad(
            what, f"{request}; {fitting} of {len(partition.nodes)} nodes have that", "change the site's resources"
        )
    if partition.max_nodes is not None and needs.nodes > partition.max_nodes:
        yield bad(what, f"{needs.nodes} nodes are asked for, a job may have {partition.max_nodes}", "ask for fewer")
    if partition.minutes is not None and minutes > partition.minutes:
        todo = "lower shards.per_job" if name.split()[0] in ("simulate", "prepare") else "lower the minutes"
        yield bad(what, f"{minutes} minutes are asked for, the longest time is {partition.minutes}", todo)


def _later_attempts(case: Case, partition: Partition, needs: list[JobResources]) -> Iterator[Finding]:
    """A job that is submitted again with more must not ask for what no node has: Slurm would refuse it."""
    limits, largest = case.table.limits, max((node.memory_mb for node in partition.nodes), default=0) / 1000
    grown = max(min(need.memory_gb * case.table.retry_scaling.memory**3, limits.memory_gb) for need in needs)
    if largest and grown > largest:
        yield note(
            f"limits for {partition.name}",
            f"later attempts may ask for {grown:g} GB, the largest node has {largest:g}",
            "set resources.limits.memory_gb in the site's file",
        )
    if partition.minutes is not None and limits.minutes > partition.minutes:
        yield note(
            f"limits for {partition.name}",
            f"later attempts may ask for {limits.minutes} minutes, the longest time is {partition.minutes}",
            "set resources.limits.minutes in the site's file",
        )


def read_partition(name: str) -> Partition | None:
    """What Slurm says of the partition; None where it does not know it."""
    answer = ask("scontrol", "--oneliner", "show", "partition", name)
    if not answer.ok or "PartitionName=" not in answer.text:
        return None
    settings = dict(field.split("=", 1) for field in answer.text.split() if "=" in field)
    nodes = []
    for line in ask("sinfo", "-h", "-N", "-p", name, "-o", "%N|%c|%m|%G|%T").text.splitlines():
        node, cpus, memory, gres, state = (line.split("|") + [""] * 5)[:5]
        if not any(word in state.lower() for word in GONE):
            nodes.append(Node(node, int(cpus or 0), int(memory.rstrip("+") or 0), gres))
    max_nodes = settings.get("MaxNodes", "UNLIMITED")
    return Partition(
        name, nodes, minutes_of(settings.get("MaxTime", "")), int(max_nodes) if max_nodes.isdigit() else None
    )


def minutes_of(text: str) -> int | None:
    """Minutes of Slurm's `D-HH:MM:SS`, `HH:MM:SS` or `MM:SS`; None for UNLIMITED and what is none of them."""
    days, _, clock = text.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdigit() for part in [*parts, days or "0"]):
        return None
    hours, minutes = (parts if len(parts) == 3 else ["0", *parts])[:2]
    return int(days or 0) * DAY + int(hours) * 60 + int(minutes)


def _default_partition() -> str | None:
    return next((name[:-1] for name in ask("sinfo", "-h", "-o", "%P").text.split() if name.endswith("*")), None)


def _partitions() -> list[str]:
    return sorted({name.rstrip("*") for name in ask("sinfo", "-h", "-o", "%P").text.split()})
