"""Faults on a Slurm, counted: a tiny workflow on real batch jobs is disturbed in many ways.

    python benchmarks/slurm_faults.py [--injections 60] [--seed 1] [--lanes 3] [--only KIND] [--minutes 20] [--write]

As root, with `apt-get install slurm-wlm munge`. Each lane has a Slurm of its own: munge, a controller and three virtual
nodes on this host (tests/cluster/virtual_slurm.py). The workflow (injection_on_slurm/workflow.py: shards in groups, a
search, a training on one node and one of two workers on two nodes) is run once undisturbed, through the profile
`cluster`. Then, for every injection, a copy of it loses what its shards, its search or one training has published, with
all live state, and is disturbed while Snakemake has it made again, at a moment drawn from the seed:

- scancel of a batch job;
- SIGKILL of the rule's own process; of a trial's process or a worker of the two-node training; of a process of Ray's
  head; of slurmd alone, whose jobs go on, or of a node with all that runs on it; of Slurm's controller; of Snakemake;
- a node set down, or drained; the controller away for up to 25 s, or for more than a minute;
- a job that is given a minute, or half a GB;
- two of these at once (the limits excepted), within three seconds.

What was taken away comes back after a drawn time. Snakemake submits again by itself; where it fails, or was killed,
the operator's action is done: `snakemake --unlock` if it was killed, and the same command, up to three times.
An inspector that knows nothing of the product's checks compares everything published with the undisturbed run, after
the fault, at Snakemake's success, and when every job has ended.

Counted and required to be 0, as in faults.py: corrupt published files; lost or duplicated samples; false successes (of
Snakemake); runs whose final weights differ from the undisturbed run's, in any bit; undamaged files or places refused (a
batch job that began when nothing befell the place any more, and failed for other reasons than its limits); failures
that name neither file nor remedy (a traceback, a training or search that was cancelled and left no word, a Snakemake
that hangs); what running again did not repair. And beside them: processes left on the nodes a minute after the last
job's end, and folders of Ray's, where no power was lost.

With --minutes the effective training-time ratio of a two-node training is measured too (injection_on_slurm/
training_time.py). --write puts all into a section of FAULTS.md, and slurm_faults.json.
"""

import argparse
import json
import queue
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "cluster")]

from injection.inspection import Inspector  # noqa: E402
from injection.outcome import Outcome, by_kind, counts  # noqa: E402
from injection.page import write_section  # noqa: E402
from injection_on_slurm import scene, training_time  # noqa: E402
from injection_on_slurm.lane import Lane  # noqa: E402
from injection_on_slurm.plan import SHARES, Injection, carry_out, draw  # noqa: E402
from injection_on_slurm.reference import Reference  # noqa: E402
from injection_on_slurm.workflow import NAME  # noqa: E402
from virtual_slurm import missing  # noqa: E402

LEFT = "processes or folders left on the nodes"
HEADING = "## On a Slurm of three nodes"


def disturb(
    injections: int, seed: int, lanes: int, only: str = "", kept: Path | None = None
) -> tuple[list[dict], list[Outcome]]:
    """A row for each count (its name, the count, the limit on it), and what came of each injection."""
    with ExitStack() as stack:
        # a short name, for Ray's sockets lie below it
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sf", dir="/tmp")))
        free: queue.Queue[Lane] = queue.Queue()
        for number in range(lanes):
            free.put(stack.enter_context(Lane(folder, number)))
        lane = free.get()
        kept = kept or folder
        reference = _reference(kept / "undisturbed", lane)
        free.put(lane)
        inspector = Inspector(reference.root, [NAME])

        def run(injection: Injection) -> Outcome:
            lane = free.get()
            try:
                outcome = carry_out(injection, lane, reference, inspector, kept)
            finally:
                free.put(lane)
            print(json.dumps(outcome.as_dict()), flush=True)
            return outcome

        drawn = [i for i in draw(seed, injections) if only in f"{i.number:02d} {i.kind}: {i.target.name}"]
        pool = stack.enter_context(ThreadPoolExecutor(lanes))
        try:
            outcomes = list(pool.map(run, drawn))
        except BaseException:
            scene.STOPPED.set()
            pool.shutdown(cancel_futures=True)
            raise
    rows = [{"name": what, "count": n, "limit": 0} for what, n in counts(outcomes).items()]
    return [*rows, {"name": LEFT, "count": sum(o.leftovers for o in outcomes), "limit": 0}], outcomes


def _reference(root: Path, lane: Lane) -> Reference:
    """The undisturbed run in `root`, made if it is not there."""
    reference, measured = Reference(root), root.with_suffix(".json")
    if measured.exists():
        reference.load(measured, lane.slurm)
    else:
        reference.make(lane.slurm)
        reference.save(measured)
    return reference


def section(rows: list[dict], outcomes: list[Outcome], seed: int, minutes_taken: float) -> str:
    """The section of FAULTS.md."""
    from run import machine

    kinds = by_kind(outcomes)
    counted = [f"| {row['name']} | **{row['count']}** | 0 |" for row in rows if "count" in row]
    fractions = [f"| {row['name']} | **{row['fraction']:.3f}** | |" for row in rows if "fraction" in row]
    costs = [f"| {row['name']} | {row['seconds']:.1f} s | |" for row in rows if "seconds" in row]
    lines = "\n".join(counted + fractions + costs)
    table = "\n".join(
        f"| {kind} | {row['injected']} | {row['faulty']} | {row['seconds'] / max(1, row['injected']):.0f} |"
        for kind, row in ((kind, kinds[kind]) for kind in SHARES if kind in kinds)
    )
    return f"""{HEADING}

Written by `python benchmarks/slurm_faults.py --write` on {date.today().isoformat()}.

{machine()}. {len(outcomes)} injections from seed {seed}, in {minutes_taken:.0f} minutes. What is injected, what is done
then and what is counted stands at the head of `slurm_faults.py`.

| count, over all injections | found | required |
|---|---|---|
{lines}

| what was injected | injections | with a fault | seconds each |
|---|---|---|---|
{table}
"""


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--injections", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="decides kinds, targets and moments")
    parser.add_argument("--lanes", type=int, default=3, help="injections at once, each on a Slurm of its own")
    parser.add_argument("--only", default="", metavar="KIND", help="those alone that hold this in 'NN kind: target'")
    parser.add_argument("--folder", type=Path, help="where faulty places, and the undisturbed run, stay")
    parser.add_argument("--minutes", type=float, default=0.0, help="of training steps for the ratio; 0: not measured")
    parser.add_argument("--write", action="store_true", help="write a section of FAULTS.md, and slurm_faults.json")
    arguments = parser.parse_args()
    if reason := missing():
        parser.error(reason)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with all that was started
    started = time.monotonic()
    rows, outcomes = disturb(arguments.injections, arguments.seed, arguments.lanes, arguments.only, arguments.folder)
    took = (time.monotonic() - started) / 60
    if arguments.minutes:
        rows += training_time.main(arguments.minutes, seed=arguments.seed)
    text = section(rows, outcomes, arguments.seed, took)
    print(text)
    if arguments.write:
        write_section(HERE / "FAULTS.md", text)
        content = {"seed": arguments.seed, "rows": rows, "injections": [o.as_dict() for o in outcomes]}
        path = HERE / "slurm_faults.json"
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(row.get("count") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(run())
