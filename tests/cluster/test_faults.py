"""A few injections of `benchmarks/slurm_faults.py`, of kinds that no other test here has; the benchmark makes 60."""

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory

import pytest
from virtual_slurm import missing

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from injection.inspection import Inspector
from injection.outcome import counts
from injection_on_slurm.lane import Lane
from injection_on_slurm.plan import KINDS, SHARES, TWO, Injection, carry_out, draw
from injection_on_slurm.reference import Reference
from injection_on_slurm.workflow import NAME, PREPARE, SEARCH, TEAM

LANES = 2
INJECTIONS = (
    (TEAM, "Ray's worker killed", "Snakemake killed"),
    (SEARCH, "node drained", "controller killed"),
)


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_nothing_is_broken_by_faults_on_a_slurm(tmp_path_factory):
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("faults")
    free: Queue[Lane] = Queue()
    with (
        TemporaryDirectory(prefix="sf", dir="/tmp") as short,  # Ray's sockets lie below it
        Lane(Path(short), 0) as first,
        Lane(Path(short), 1) as second,
    ):
        reference = Reference(folder / "undisturbed")
        reference.make(first.slurm)
        inspector = Inspector(reference.root, [NAME])
        assert len(inspector.weights) == 4  # of two seeds of two trainings
        for lane in (first, second):
            free.put(lane)

        def run(number: int):
            target, *names = INJECTIONS[number]
            faults = tuple(KINDS[name] for name in names)
            lane = free.get()
            injection = Injection(number, " + ".join(names), faults, target, f"test/{number}")
            try:
                return carry_out(injection, lane, reference, inspector, folder)
            finally:
                free.put(lane)

        with ThreadPoolExecutor(LANES) as pool:
            outcomes = list(pool.map(run, range(len(INJECTIONS))))
    assert not any(counts(outcomes).values()), [o.as_dict() for o in outcomes if o.faulty]
    assert all(outcome.injected for outcome in outcomes)


def test_a_seed_stands_for_its_injections():
    drawn = draw(7, 60)
    assert drawn == draw(7, 60)
    assert drawn != draw(8, 60)
    assert Counter(injection.kind for injection in drawn) == SHARES
    pairs = [injection.faults for injection in drawn if injection.kind == TWO]
    assert all(len({fault.name for fault in pair}) == 2 for pair in pairs)
    assert {injection.target.name for injection in drawn} >= {PREPARE.name, SEARCH.name, TEAM.name}
    assert all(injection.target in fault.targets for injection in drawn for fault in injection.faults)
