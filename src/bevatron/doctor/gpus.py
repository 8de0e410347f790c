"""GPUs of this machine, against what fits would use."""

import re
from collections.abc import Iterator

from bevatron.doctor.case import Case, ask
from bevatron.doctor.finding import Finding, bad, good


def check_gpus(case: Case) -> Iterator[Finding]:
    """What nvidia-smi lists here. On a cluster's login node there may be none: the partition's nodes count."""
    answer = ask("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    names = answer.text.splitlines() if answer.ok else []
    if names:
        kinds = {name: names.count(name) for name in names}
        yield good("GPUs here", ", ".join(f"{count} × {name}" for name, count in kinds.items()))
    elif case.profile == "local" and case.workflow.accelerator == "cuda":
        yield bad("GPUs here", f"none ({answer.text})", "set accelerator to auto or cpu in config/config.yaml")
    elif case.profile == "local":
        requested = max(needs.gpus for _, needs, _ in case.jobs())
        if requested:
            yield bad(
                "GPUs here", f"none, and the table asks for {requested}", "set gpus to 0 in config/resources.yaml"
            )
        else:
            yield good("GPUs here", "none; fits use the CPU")
    else:
        yield good("GPUs here", "none, and none are needed here: jobs use those of their nodes")


def gpus_of(gres: str, kind: str | None = None) -> int:
    """GPUs in Slurm's words: `gpu:2`, `gpu:a100:4(S:0-1),shard:8`; of the type `kind` alone where it is given."""
    total = 0
    for name, type_, count in re.findall(r"(\w+)(?::([^:(),]+))?:(\d+)(?=[(,]|$)", re.sub(r"\([^)]*\)", "", gres)):
        if name == "gpu" and (kind is None or type_ == kind):
            total += int(count)
    return total
