"""The checks of each profile, run one after the other and shown as a table."""

from collections.abc import Callable, Iterable, Iterator

from bevatron.doctor import condor, gpus, partitions, places, ray, slurm, software
from bevatron.doctor import probe as probing
from bevatron.doctor.case import Case, Profile
from bevatron.doctor.finding import Finding

Check = Callable[[Case], Iterator[Finding]]
MACHINE: list[Check] = [
    software.check_python,
    software.check_packages,
    software.check_command,
    places.check_disk,
    places.check_locks,
    places.check_cache,
]
CHECKS: dict[Profile, list[Check]] = {
    "local": [*MACHINE, places.check_temporary, gpus.check_gpus, ray.check_cluster, slurm.check_no_slurm_needed],
    "cluster": [
        *MACHINE,
        places.check_temporary,
        places.check_shared,
        gpus.check_gpus,
        ray.check_cluster,
        slurm.check_commands,
    ],
    "htcondor": [
        *MACHINE,
        places.check_temporary,
        places.check_shared,
        ray.check_cluster,
        software.check_htcondor_plugin,
        condor.check_commands,
        condor.check_one_node,
    ],
}
OF_A_SLURM: list[Check] = [
    slurm.check_controller,
    slurm.check_accounting,
    slurm.check_account,
    partitions.check_partitions,
    slurm.check_confinement,
]
WIDTH = 10_000  # in a file or a pipe a finding is one line, however long
MARKS = {"good": "[green]ok[/]", "note": "[yellow]note[/]", "bad": "[bold red]missing[/]"}


def examine(case: Case, probe: bool = False) -> Iterator[Finding]:
    """All findings for the case's profile. Without Slurm's commands nothing more is asked of Slurm."""
    findings: list[Finding] = []
    for check in CHECKS[case.profile]:
        findings = list(check(case))
        yield from findings
    if case.profile != "cluster" or any(finding.state == "bad" for finding in findings):
        return
    for check in OF_A_SLURM:
        findings = list(check(case))
        yield from findings
        if check is slurm.check_controller and findings[0].state == "bad":
            return
    if probe:
        yield from probing.probe(case)


def show(findings: Iterable[Finding]) -> int:
    """Print the findings as a table; how many things are missing."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    all_findings = list(findings)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("what", overflow="fold")
    table.add_column("found", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for each in all_findings:
        table.add_row(MARKS[each.state], escape(each.what), escape(each.found), escape(each.todo))
    console = Console(highlight=False)
    Console(highlight=False, width=console.width if console.is_terminal else WIDTH).print(table)
    return sum(each.state == "bad" for each in all_findings)
