"""Slurm itself: its commands, its controller, whether it keeps accounts, and whom it would charge."""

import getpass
import re
import shutil
from collections.abc import Iterator

from bevatron.compute.slurm.accounting import keeps_accounts
from bevatron.doctor.case import Case, ask
from bevatron.doctor.finding import Finding, bad, good, note

COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
OLDEST = (20, 11)  # srun's --exact, steps with GPUs of their own
POLL_SECONDS = 20  # profiles/cluster: slurm-init-seconds-before-status-checks


def check_no_slurm_needed(case: Case) -> Iterator[Finding]:
    """A laptop says plainly that it has no batch system and needs none."""
    if shutil.which("sbatch") is None:
        yield good("Slurm", "not here; the profile local needs none")
    else:
        yield good("Slurm", "here; see also --profile cluster")


def check_commands(case: Case) -> Iterator[Finding]:
    """The commands that the executor plugin and a Ray over several nodes call."""
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    if missing:
        yield bad("Slurm's commands", f"not found: {', '.join(missing)}", "work on a login node, or load its module")
        return
    answer = ask("sbatch", "--version")
    number = re.search(r"(\d+)\.(\d+)", answer.text)
    if not answer.ok or number is None:
        yield bad("Slurm's commands", answer.text, "see whether SLURM_CONF or the node's configuration is right")
    elif (int(number[1]), int(number[2])) < OLDEST:
        yield bad("Slurm's commands", answer.text, f"Slurm {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    else:
        yield good("Slurm's commands", answer.text)


def check_controller(case: Case) -> Iterator[Finding]:
    """Whether Slurm's controller answers."""
    answer = ask("scontrol", "ping")
    if answer.ok and " is UP" in answer.text:
        yield good("Slurm's controller", answer.text.splitlines()[0])
    else:
        yield bad("Slurm's controller", answer.text.splitlines()[0], "wait until it is up, or ask the administrators")


def check_accounting(case: Case) -> Iterator[Finding]:
    """By what command Snakemake asks how jobs stand, and whether that command answers."""
    keeps, command = keeps_accounts(), case.site.status_command
    if command == "sacct" and not keeps:
        yield bad(
            "accounting", "Slurm keeps none, and status_command is sacct", "set status_command to squeue, or remove it"
        )
    elif keeps and command != "squeue":
        answer = ask("sacct", "-X", "-n", "-S", "now-5minutes")
        if answer.ok:
            yield good("accounting", "sacct answers; Snakemake asks it how jobs stand")
        else:
            yield bad("accounting", f"sacct: {answer.text}", "set status_command to squeue in profiles/site/site.yaml")
    else:
        yield from _squeue("kept, and squeue is asked" if keeps else "Slurm keeps none; squeue is asked")


def _squeue(found: str) -> Iterator[Finding]:
    age = re.search(r"^(\d+)", _settings().get("MinJobAge", ""))
    if age is None or int(age[1]) >= 3 * POLL_SECONDS:
        yield good("accounting", f"{found} how jobs stand" + (f" (MinJobAge {age[1]} s)" if age else ""))
    else:
        yield bad(
            "accounting",
            f"{found}, which forgets ended jobs after {age[1]} s (MinJobAge)",
            f"ask the administrators for MinJobAge of {3 * POLL_SECONDS} s or more, or for accounting",
        )


def check_account(case: Case) -> Iterator[Finding]:
    """The account that jobs are charged to, by the same question that the executor plugin asks."""
    named = case.site.account
    if not keeps_accounts():
        if named:
            yield bad("account", f"'{named}' is named, and Slurm keeps no accounts to find it in", "remove `account`")
        else:
            yield good("account", "none is needed without accounting")
        return
    answer = ask("sacctmgr", "-n", "-P", "show", "associations", f"user={getpass.getuser()}", "format=account")
    known = sorted(set(answer.text.split())) if answer.ok else []
    if named and known and named.lower() not in known:
        yield bad("account", f"'{named}' is not yours", f"set `account` to one of: {', '.join(known)}")
    elif named:
        state = good if known else note
        yield state("account", named if known else f"{named}, and Slurm does not tell which are yours")
    elif len(known) > 1:
        yield note("account", f"not named; yours: {', '.join(known)}", "set `account` in profiles/site/site.yaml")
    else:
        yield good("account", f"not named; Slurm's own choice{f', {known[0]}' if known else ''}")


def check_confinement(case: Case) -> Iterator[Finding]:
    """Whether jobs are held to the cores they were given."""
    plugins = _settings().get("TaskPlugin", "")
    if "cgroup" in plugins or "affinity" in plugins:
        yield good("jobs are held to their cores", plugins)
    else:
        yield note("jobs are held to their cores", f"no (TaskPlugin {plugins or 'unknown'}); they see all of the node")


def _settings() -> dict[str, str]:
    lines = (line.split("=", 1) for line in ask("scontrol", "show", "config").text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, value in lines}
