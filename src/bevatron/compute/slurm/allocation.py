"""The nodes of the batch job in which this process runs, as Slurm tells them."""

import os
import re
import subprocess
import time
from dataclasses import dataclass

from bevatron.errors import UserError

ASK_SECONDS, PAUSE_SECONDS, TIMES = 30, 5, 4  # a controller that is being restarted is back soon


@dataclass(frozen=True)
class Allocation:
    """A Slurm job's nodes, the one where this process runs first.

    memory: bytes of each node that the job may use; None if Slurm does not say.
    """

    job: str
    nodes: tuple[str, ...]
    memory: int | None = None


def job_id() -> str | None:
    """The Slurm job of this process: of Slurm's variables the only one that every rule's command still has."""
    return os.environ.get("SLURM_JOB_ID") or None


def allocation(nodes: int) -> Allocation:
    """The batch job's nodes; raises UserError unless there are exactly `nodes`.

    The command of a rule for several nodes runs in the job's batch step, hence on the batch host.
    """
    job = job_id()
    if job is None:
        raise UserError(
            "--nodes", f"{nodes} nodes were asked for outside a batch job", "use the profile 'cluster', or one node"
        )
    node_list, _, details = ask("squeue", "-h", "-j", job, "-o", "%N|%B|%m").strip().partition("|")
    batch_host, _, memory = details.partition("|")
    names = ask("scontrol", "show", "hostnames", node_list).split() if node_list else []
    if len(names) != nodes or batch_host not in names:
        raise UserError(
            f"batch job {job}",
            f"{nodes} nodes were asked for and it has {len(names)} ({', '.join(names)})",
            "make --nodes and the batch job's number of nodes agree: both come from config/resources.yaml",
        )
    names.remove(batch_host)
    return Allocation(job, (batch_host, *names), _bytes(memory))


def node_address(node: str) -> str:
    """The name or address by which Slurm itself reaches a node, and so its other nodes too."""
    match = re.search(r"\bNodeAddr=(\S+)", ask("scontrol", "show", "node", "-o", node))
    return match[1] if match else node


def ask(*command: str) -> str:
    """What a Slurm command prints; raises UserError if it fails several times."""
    for attempts_left in reversed(range(TIMES)):
        try:
            return subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=ASK_SECONDS, stdin=subprocess.DEVNULL
            ).stdout
        except FileNotFoundError:
            raise UserError(command[0], "there is no such command here", "load Slurm's commands") from None
        except subprocess.CalledProcessError as error:
            reason = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
        except subprocess.TimeoutExpired:
            reason = f"no answer within {ASK_SECONDS} s"
        if attempts_left:
            time.sleep(PAUSE_SECONDS)
    raise UserError(" ".join(command), reason, "see whether Slurm answers on this node")


def _bytes(text: str) -> int | None:
    """Bytes of Slurm's 4000M or 8G, where no unit means MiB; None of anything else and of 0, which is no limit."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)[cn]?", text.strip())
    if not match or not float(match[1]):
        return None
    return round(float(match[1]) * 2 ** {"K": 10, "M": 20, "": 20, "G": 30, "T": 40}[match[2]])
