"""Which injections a seed stands for, and the execution of one."""

import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from injection.inspection import Inspector
from injection.outcome import Outcome
from injection.plan import shared_out
from virtual_slurm import SlurmTrouble

from injection_on_slurm.faults import FAULTS, LIMITS, Fault, site_with
from injection_on_slurm.lane import Lane
from injection_on_slurm.reference import SITE_FILE, Reference
from injection_on_slurm.scene import Missed, Scene, Stopped
from injection_on_slurm.workflow import PREPARE, SEARCH, SITE, TEAM, Target

# Of 60, how many there are of each kind.
SHARES = {
    "scancel": 6,
    "command's process killed": 4,
    "Ray's worker killed": 7,
    "Ray's head killed": 5,
    "slurmd killed": 4,
    "node lost": 4,
    "node set down": 3,
    "node drained": 3,
    "controller killed": 4,
    "Snakemake killed": 5,
    "time limit reached": 2,
    "memory limit reached": 3,
    "two at once": 10,
}
TWO = "two at once"
KINDS = {fault.name: fault for fault in (*FAULTS, *LIMITS)}
PAIR_TARGETS = (TEAM, SEARCH, TEAM, PREPARE)
EARLIEST, LATEST = -0.4, 0.85  # moments: below 0 a fraction of what comes before the work, above of the work
AT_ONCE = 3.0  # seconds within which the second of two faults strikes
ATTEMPTS = 3  # at a moment that comes before the work has ended


@dataclass(frozen=True)
class Injection:
    """One injection as drawn; `seed` decides what is still open, such as the moment."""

    number: int
    kind: str
    faults: tuple[Fault, ...]
    target: Target
    seed: str


def draw(seed: int, n: int) -> list[Injection]:
    """`n` injections: the kinds by their fractions, at least one each, their targets in turn."""
    drawn = []
    for kind, count in zip(SHARES, shared_out(n, list(SHARES.values())), strict=True):
        chance = random.Random(f"{seed}/{kind}")
        turn = chance.randrange(2)
        for k in range(count):
            targets = PAIR_TARGETS if kind == TWO else KINDS[kind].targets
            target = targets[(turn + k) % len(targets)]
            faults = _pair(chance, target) if kind == TWO else (KINDS[kind],)
            drawn.append((kind, faults, target))
    random.Random(f"{seed}/order").shuffle(drawn)
    return [Injection(k, *what, f"{seed}/{k}") for k, what in enumerate(drawn, start=1)]


def _pair(chance: random.Random, target: Target) -> tuple[Fault, ...]:
    """Two different faults; without a controller Slurm's other commands do nothing, so that it is hit last."""
    found = chance.sample([fault for fault in FAULTS if target in fault.targets], 2)
    return tuple(sorted(found, key=lambda fault: (fault.name == "controller killed", fault.name == "Snakemake killed")))


def carry_out(injection: Injection, lane: Lane, reference: Reference, inspector: Inspector, folder: Path) -> Outcome:
    """Copy the undisturbed run, disturb it, do what the operator does, inspect; the lane is whole again afterwards."""
    names = " + ".join(fault.name for fault in injection.faults)
    outcome = Outcome(injection.number, injection.kind, f"{injection.target.name}: {names}")
    started = time.monotonic()
    for attempt in range(ATTEMPTS):
        root = folder / f"injection-{injection.number:02d}-{attempt}"
        scene = Scene(lane, reference, inspector, injection.target, outcome, f"{injection.seed}/{attempt}", root)
        try:
            _disturb(scene, injection, attempt)
            break
        except Missed as missed:
            outcome.note(f"again, for {missed}")
            outcome.exit_codes.clear()
        except Stopped:
            raise
        except Exception:  # the other injections go on
            outcome.unmended += 1
            outcome.note(traceback.format_exc())
            break
        finally:
            scene.leave()
            _mend(lane, scene)
    else:
        outcome.unmended += 1
        outcome.note("nothing was injected")
    outcome.seconds = time.monotonic() - started
    return outcome


def _disturb(scene: Scene, injection: Injection, attempt: int) -> None:
    faults, outcome = injection.faults, scene.outcome
    needs = {key: value for fault in faults for key, value in fault.needs.items()}
    if needs:
        scene.place.write(SITE_FILE, site_with(needs, scene.target, SITE))
    moment = scene.random.uniform(0.02 if any(fault.at_work for fault in faults) else EARLIEST, LATEST)
    moment = moment * 0.6**attempt if moment > 0 else moment
    scene.start()
    if not needs:
        scene.wait_for(moment)
    struck = [faults[0].strike(scene)]
    for fault in faults[1:]:
        gap = scene.random.uniform(0.0, AT_ONCE)
        scene.wait(lambda: False, gap)
        struck.append(f"{gap:.1f} s later {_strike_again(scene, fault)}")
    scene.quiet_since = time.time()
    spoken = len(faults) == 1 and faults[0].in_words and moment > 0 and scene.target.saves_its_state
    if spoken:
        scene.listen()
    outcome.injected = f"{', '.join(struck)}; moment {moment:.2f}"
    scene.look("after the fault", yet_to_come=True)
    scene.see_it_through()
    scene.close_up(spoken, any(fault.name == "Ray's head killed" for fault in faults))


def _strike_again(scene: Scene, fault: Fault) -> str:
    """Strike a second time: the next job, where the first fault has ended that which it hit."""
    try:
        return fault.strike(scene)
    except Missed:
        scene.wait_for(EARLIEST)
        return fault.strike(scene)


def _mend(lane: Lane, scene: Scene) -> None:
    scene.cures.clear()

    def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> None:
        if not scene.wait(condition, seconds):
            raise SlurmTrouble(f"not within {seconds:g} s: {what}\n{lane.slurm.logs()}")

    lane.repair(wait_until)
