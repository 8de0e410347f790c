"""Faults, counted: a tiny workflow is disturbed in many ways, and what is broken after that is counted.

    python benchmarks/faults.py [--injections 200] [--seed 1 2] [--lanes 2] [--only KIND] [--minutes 30] [--write]

The workflow (injection/workflow.py) is run once undisturbed. Then, for every injection, a copy of it loses some of its
results, and is disturbed while it makes them again through the real command line, or through Snakemake: a process of it
is killed with SIGKILL at a moment drawn from the seed, its disk fills, a file of it is damaged, or a writer dies at a
chosen step of writing. Then the operator's action is done, which is to run the same command again (after the refusal of
a damaged file: to remove it and run first the command that makes it), and an inspector of our own (injection/
inspection.py), which knows nothing of the product's checks, compares everything published with the undisturbed run.

Counted over all injections, and required to be 0:
- corrupt published files: under their published name, at any time, other than those of the undisturbed run;
- lost or duplicated samples, by their ids, in raw shards, splits and predictions;
- false successes: exit code 0 where something is missing or wrong;
- runs whose final weights differ from the undisturbed run's, in any bit;
- undamaged files or places refused; failures without a line that names the file; what a second run did not repair.

The exit code is 1 if a count is not 0. The times that files tell (seconds, rates) are not compared. With --minutes the
effective training-time ratio is measured too (training_time.py). --write puts all into FAULTS.md and faults.json.
"""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import training_time  # noqa: E402
from injection.inspection import Inspector  # noqa: E402
from injection.outcome import Outcome, by_kind, counts  # noqa: E402
from injection.page import write_head, write_section  # noqa: E402
from injection.place import Reference  # noqa: E402
from injection.plan import KINDS, Injection, carry_out, draw  # noqa: E402

from bevatron.fork_server.start import start_fork_server  # noqa: E402


def main(injections: int = 200, seed: int = 1, lanes: int = 2, minutes: float = 0.0) -> list[dict]:
    """A row for each count: its name, the count, and the limit on it; with `minutes` also those of training_time."""
    rows, _ = disturb(injections, seed, lanes)
    return rows + (training_time.main(minutes) if minutes else [])


def disturb(
    injections: int, seed: int, lanes: int, folder: Path | None = None, only: str = ""
) -> tuple[list[dict], list[Outcome]]:
    """The rows of `main`, and what came of each injection."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="faults-", dir=folder) as name:
        reference = Reference(Path(name) / "undisturbed")
        reference.make()
        inspector = Inspector(reference.root)
        drawn = [i for i in draw(seed, injections, reference) if only in i.kind.name]

        def run(injection: Injection) -> Outcome:
            outcome = carry_out(injection, reference, inspector, Path(name))
            print(json.dumps(outcome.as_dict()), flush=True)
            return outcome

        with ThreadPoolExecutor(lanes) as pool:
            outcomes = list(pool.map(run, drawn))
    rows = [{"name": what, "count": n, "limit": 0} for what, n in counts(outcomes).items()]
    return rows, outcomes


def table(outcomes: list[Outcome]) -> str:
    """Injections by kind, as Markdown."""
    kinds = by_kind(outcomes)
    lines = ["| what was injected | injections | with a fault | seconds each |", "|---|---|---|---|"]
    for kind in (k.name for k in KINDS if k.name in kinds):
        row = kinds[kind]
        number = row["injected"]
        skipped = f" ({row['skipped']} skipped)" if row["skipped"] else ""
        lines.append(f"| {kind} | {number}{skipped} | {row['faulty']} | {row['seconds'] / max(1, number):.0f} |")
    skipped = sorted({o.skipped for o in outcomes if o.skipped})
    return "\n".join([*lines, *(f"\nSkipped: {reason}." for reason in skipped)])


def page(outcomes: list[Outcome], seeds: list[int], minutes_taken: float, forked: bool = False) -> str:
    """What stands before the sections of FAULTS.md."""
    from run import machine

    done = sum(not o.skipped for o in outcomes)
    lines = "\n".join(f"| {what} | **{n}** | 0 |" for what, n in counts(outcomes).items())
    ways = "by a fork server" if forked else "by themselves"
    drawn = f"seed {seeds[0]}" if len(seeds) == 1 else f"the seeds {' and '.join(map(str, seeds))}"
    return f"""# Faults, counted

Written by `python benchmarks/faults.py --write` on {date.today().isoformat()}.

{machine()}. {done} injections from {drawn}, in {minutes_taken:.0f} minutes. Single commands
started {ways}, jobs of a whole workflow by its own fork server. What is injected, what is done then
and what is counted stands at the head of `faults.py`.

| count, over all injections | found | required |
|---|---|---|
{lines}

{table(outcomes)}
"""


def ratio_section(rows: list[dict]) -> str:
    """The section of FAULTS.md with what training_time.py measured."""
    from run import machine

    fractions = [
        f"| {row['name']} | **{row['fraction']:.3f}** | ≥ {row['required']} |" for row in rows if "fraction" in row
    ]
    costs = [f"| {row['name']} | {row['seconds']:.1f} s | |" for row in rows if "seconds" in row]
    lines = "\n".join(fractions + costs)
    ratios = "\n".join(
        f"| {name} | {ratio:.3f} |"
        for row in rows
        if "seconds" in row
        for name, ratio in training_time.other_lengths(row)
    )
    return f"""## Effective training-time ratio

Written by `python benchmarks/faults.py --minutes M --write` on {date.today().isoformat()}. {machine()}. What is
measured stands at the head of `training_time.py`.

| | found | required |
|---|---|---|
{lines}

| time in training steps | ratio at ten kills, from the cost |
|---|---|
{ratios}
"""


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--injections", type=int, default=200)
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="decide kinds, targets and moments")
    parser.add_argument("--lanes", type=int, default=2, help="injections at once")
    parser.add_argument("--only", default="", metavar="KIND", help="those alone whose kind holds this word")
    parser.add_argument("--fork-server", action="store_true", help="the single commands, too, are forked by a server")
    parser.add_argument("--folder", type=Path, help="where the places lie; absent: a temporary folder")
    parser.add_argument("--minutes", type=float, default=0.0, help="of training steps for the ratio; 0: not measured")
    parser.add_argument("--write", action="store_true", help="write FAULTS.md and faults.json beside this script")
    arguments = parser.parse_args()
    if arguments.fork_server:
        start_fork_server()
    started = time.monotonic()
    outcomes = []
    for seed in arguments.seed:
        outcomes += disturb(arguments.injections, seed, arguments.lanes, arguments.folder, arguments.only)[1]
    took = (time.monotonic() - started) / 60
    ratios = training_time.main(arguments.minutes, seed=arguments.seed[0]) if arguments.minutes else []
    text = page(outcomes, arguments.seed, took, arguments.fork_server)
    print(text)
    if arguments.write:
        write_head(HERE / "FAULTS.md", text)
        if ratios:
            write_section(HERE / "FAULTS.md", ratio_section(ratios))
        rows = [{"name": what, "count": n, "limit": 0} for what, n in counts(outcomes).items()] + ratios
        content = {"seeds": arguments.seed, "rows": rows, "injections": [o.as_dict() for o in outcomes]}
        (HERE / "faults.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    missed = [row for row in ratios if row.get("fraction", 1.0) < row.get("required", 0.0)]
    missed += [what for what, n in counts(outcomes).items() if n]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(run())
