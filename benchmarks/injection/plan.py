"""Which injections a seed stands for, and the execution of one."""

import random
import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from injection import damage, full_disk, kills, writes
from injection.inspection import Inspector
from injection.outcome import Outcome
from injection.place import Reference
from injection.scene import Scene


@dataclass(frozen=True)
class Kind:
    """A kind of injection: its fraction of all, what it can hit, how it is done."""

    name: str
    fraction: int
    targets: Callable[[Reference], list[str]]
    inject: Callable[[Scene, str], None]


KINDS = (
    Kind("stage killed", 64, kills.stages, kills.kill_stage),
    Kind("trial's process killed", 6, kills.worker_targets, kills.kill_worker),
    Kind("Ray's head killed", 4, kills.head_targets, kills.kill_head),
    Kind("Snakemake master killed", 8, kills.master_targets, kills.kill_master),
    Kind("disk full", 16, full_disk.targets, full_disk.fill_disk),
    Kind("published file cut short", 20, damage.targets, damage.truncate),
    Kind("bit of a published file turned", 24, damage.targets, damage.flip_bit),
    Kind("live state damaged", 14, damage.live_targets, damage.damage_live),
    Kind("killed while writing the data set", 18, writes.store_targets, writes.kill_write),
    Kind("killed while writing a checkpoint", 12, writes.checkpoint_targets, writes.kill_write),
    Kind("killed while writing a result", 14, writes.result_targets, writes.kill_write),
)


@dataclass(frozen=True)
class Injection:
    """One injection as drawn; `seed` decides what is still open, such as the moment."""

    number: int
    kind: Kind
    target: str
    seed: str


def draw(seed: int, n: int, reference: Reference) -> list[Injection]:
    """`n` injections: the kinds by their fractions, at least one each, their targets in turn from a drawn order."""
    drawn = []
    for kind, count in zip(KINDS, shared_out(n, [kind.fraction for kind in KINDS]), strict=True):
        targets = kind.targets(reference)
        random.Random(f"{seed}/{kind.name}").shuffle(targets)
        drawn += [(kind, targets[k % len(targets)]) for k in range(count)]
    random.Random(f"{seed}/order").shuffle(drawn)
    return [Injection(k, kind, target, f"{seed}/{k}") for k, (kind, target) in enumerate(drawn, start=1)]


def carry_out(injection: Injection, reference: Reference, inspector: Inspector, folder: Path) -> Outcome:
    """Copy the undisturbed run, disturb it, do what the operator does, inspect."""
    outcome = Outcome(injection.number, injection.kind.name, injection.target)
    root = folder / f"injection-{injection.number:03d}"
    started = time.monotonic()
    on_small_disk = injection.kind.inject is full_disk.fill_disk
    if on_small_disk and (reason := full_disk.mount(root)):
        outcome.skipped = reason
        shutil.rmtree(root)
        return outcome
    scene = Scene(reference, inspector, root, outcome, injection.seed)
    try:
        injection.kind.inject(scene, injection.target)
        if not outcome.injected:
            outcome.unmended += 1
            outcome.note("nothing was injected")
    except Exception:  # the other injections go on
        outcome.unmended += 1
        outcome.note(traceback.format_exc())
    finally:
        if on_small_disk:
            full_disk.unmount(root)
        if not outcome.faulty:
            scene.leave()
    outcome.seconds = time.monotonic() - started
    return outcome


def shared_out(n: int, fractions: list[int]) -> list[int]:
    """How many of each kind: its fraction of `n`, and never none."""
    counts = [max(1, round(n * fraction / sum(fractions))) for fraction in fractions]
    while sum(counts) > n and max(counts) > 1:
        counts[counts.index(max(counts))] -= 1
    while sum(counts) < n:
        counts[counts.index(max(counts))] += 1
    return counts
