"""HTCondor, as far as its plugin goes: jobs on one node each."""

import shutil
from collections.abc import Iterator

from bevatron.doctor.case import Case, ask
from bevatron.doctor.finding import Finding, bad, good


def check_commands(case: Case) -> Iterator[Finding]:
    """Whether HTCondor's commands are there."""
    if shutil.which("condor_submit") is None:
        yield bad("HTCondor's commands", "not found: condor_submit", "work on a submit node")
        return
    answer = ask("condor_version")
    yield good("HTCondor's commands", (answer.text.splitlines() or ["condor_submit"])[0])
    queue = ask("condor_q", "-totals")
    if queue.ok:
        yield good("HTCondor's queue", "answers")
    else:
        yield bad("HTCondor's queue", queue.text, "see whether a schedd runs on this machine")


def check_one_node(case: Case) -> Iterator[Finding]:
    """Rules that ask for several nodes, which HTCondor does not give."""
    several = [name for name, needs, _ in case.jobs() if needs.nodes > 1]
    if several:
        yield bad("jobs of several nodes", ", ".join(several), "set nodes to 1: the plugin gives a job one node")
    else:
        yield good("jobs of several nodes", "none, as the plugin needs it")
