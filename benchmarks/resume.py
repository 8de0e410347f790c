"""Interrupted fits, counted: settings are drawn, each fit is interrupted in four ways, and the results are compared.

    python benchmarks/resume.py [--fits 200] [--seed 1] [--lanes 2] [--only FAMILY] [--write]

What is drawn stands in tests/training/drawn_fits.py: every learner, early stopping, schedules, clipping, sampling,
class weights, batches up to the whole split, both readers, precisions. Each fit is made
- once without an interruption;
- in as many lives as it has blocks, each asked to end (as by SIGTERM) after its first;
- with exceptions that nothing catches, at drawn places: before a step, around a validation, before and after a block's
  checkpoint, between the fit's stop and the publication of its weights, and before that of its result;
- by processes of its own that are killed with SIGKILL at drawn moments.

Counted are the fits whose weights, history (but its times), result or leftover files differ from those of the fit
without an interruption. The exit code is 1 if there is one. --write puts the table into RESUME.md.
"""

import argparse
import json
import multiprocessing
import pickle
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "learning")]

WAYS = ("asked to end after every block", "exceptions", "exceptions again", "SIGKILL")
KILLS = 3  # of a fit, at most
TIMEOUT = 300.0  # seconds of one life


@dataclass
class Drawn:
    """One drawn fit, and what came of it."""

    number: int
    family: str
    seed: int
    settings: str = ""
    lives: dict[str, int] = field(default_factory=dict)
    differ: list[str] = field(default_factory=list)
    note: str = ""
    seconds: float = 0.0


def main(fits: int = 200, seed: int = 1, lanes: int = 2, only: str = "") -> list[dict]:
    """A row for the count, and its limit."""
    found = campaign(fits, seed, lanes, only)
    return [{"name": f"fits of {len(found)} that interruptions changed", "count": bad(found), "limit": 0}]


def campaign(fits: int, seed: int, lanes: int, only: str = "") -> list[Drawn]:
    from drawn_fits import FAMILIES

    families = [name for name in FAMILIES if only in name]
    drawn = [Drawn(k, families[k % len(families)], 100_000 * seed + k) for k in range(fits)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["drawn_fits", "lives", "bevatron.training.fit"])
    with tempfile.TemporaryDirectory(prefix="resume-") as name:
        for family in families:  # before two lanes write the same data set
            in_a_process(context, make_dataset, family, Path(name) / "data")

        def run(one: Drawn) -> Drawn:
            start = time.monotonic()
            try:
                compare(context, one, Path(name))
            except Exception as error:  # the others go on
                one.differ.append("campaign")
                one.note = f"{type(error).__name__}: {error}"
            one.seconds = time.monotonic() - start
            print(json.dumps(one.__dict__), flush=True)
            return one

        with ThreadPoolExecutor(lanes) as pool:
            return list(pool.map(run, drawn))


def compare(context: Any, one: Drawn, folder: Path) -> None:
    """Make the fit in every way and note in which its outcome differs."""
    root = folder / f"fit-{one.number:04d}"
    chance = random.Random(f"moments/{one.seed}")
    started = time.monotonic()
    expected, _, one.settings = in_a_process(context, straight, one.family, one.seed, root, folder / "data")
    duration = time.monotonic() - started
    for way in WAYS:
        if way == "SIGKILL":
            got, lives = killed(context, one, root, folder / "data", duration, chance)
        else:
            make = by_block if way == WAYS[0] else interrupted
            got, lives, _ = in_a_process(context, make, one.family, one.seed, root, folder / "data", way)
        one.lives[way] = lives
        if got != expected:
            one.differ.append(way)
            one.note += f"{way}: {', '.join(key for key in expected if got.get(key) != expected[key])}; "
    if not one.differ:
        for place in folder.glob(f"{root.name}*"):
            shutil.rmtree(place) if place.is_dir() else place.unlink()


def killed(
    context: Any, one: Drawn, root: Path, data: Path, duration: float, chance: random.Random
) -> tuple[dict[str, Any], int]:
    """The outcome after up to KILLS kills at moments within the time that the fit takes, and the number of lives."""
    for life in range(1, KILLS + 2):
        limit = chance.uniform(0.0, duration) if life <= KILLS else None
        done = in_a_process(context, whole, one.family, one.seed, root, data, kill_after=limit)
        if done is not None:
            return done[0], life
    raise RuntimeError("a fit that nobody killed gave no outcome")


def in_a_process(context: Any, work: Any, *arguments: Any, kill_after: float | None = None) -> Any:
    """What `work` returns, in a process of its own; None where it was killed before it came to an end."""
    with tempfile.TemporaryDirectory() as place:
        answer = Path(place) / "answer"
        process = context.Process(target=answer_of, args=(answer, work, arguments))
        process.start()
        process.join(TIMEOUT if kill_after is None else kill_after)
        if process.is_alive():
            process.kill()
            process.join()
            if kill_after is None:
                raise RuntimeError(f"{work.__name__} took longer than {TIMEOUT:.0f} s")
        if answer.exists():
            return pickle.loads(answer.read_bytes())  # of our own child
        if kill_after is None:
            raise RuntimeError(f"{work.__name__} ended with {process.exitcode}")
        return None


# What the processes do. They are forked from one that has imported PyTorch and used none of it.


def answer_of(answer: Path, work: Any, arguments: tuple) -> None:
    import logging

    logging.getLogger("bevatron").setLevel(logging.ERROR)
    value = pickle.dumps(work(*arguments))
    part = answer.with_suffix(".part")
    part.write_bytes(value)
    part.rename(answer)


def make_dataset(family: str, data: Path) -> None:
    from drawn_fits import made

    study, manifest = made(family, data)
    (data / family / "study.json").write_text(study.model_dump_json())
    (data / family / "manifest.path").write_text(str(manifest))


def drawn_job(family: str, seed: int, root: Path, data: Path, name: str) -> Any:
    from drawn_fits import FAMILIES, draw, in_folder

    FAMILIES[family] = already_made(FAMILIES[family], data / family)
    return in_folder(draw(family, seed, root, data), name)


def already_made(family: Any, folder: Path) -> Any:
    """The family whose dataset lies in the folder, made before by a process of its own."""
    from dataclasses import replace

    from bevatron.config.sections.study import Study

    tree = json.loads((folder / "study.json").read_text())
    manifest = Path((folder / "manifest.path").read_text())
    return replace(family, make=lambda _: (Study.model_validate(tree), manifest))


def straight(family: str, seed: int, root: Path, data: Path) -> tuple[dict[str, Any], int, str]:
    from bevatron.training.fit import fit

    job = drawn_job(family, seed, root, data, "straight")
    from lives import outcome

    model = job.model.model_dump(mode="json", exclude_defaults=True, exclude={"title", "inputs", "search", "published"})
    return outcome(job, fit(job)), 1, json.dumps(model)


def by_block(family: str, seed: int, root: Path, data: Path, way: str) -> tuple[dict[str, Any], int, str]:
    from lives import fit_block_by_block, outcome

    job = drawn_job(family, seed, root, data, "by-block")
    result, lives = fit_block_by_block(job)
    return outcome(job, result), lives, ""


def interrupted(family: str, seed: int, root: Path, data: Path, way: str) -> tuple[dict[str, Any], int, str]:
    from lives import fit_interrupted, outcome

    job = drawn_job(family, seed, root, data, way.replace(" ", "-"))
    result, places = fit_interrupted(job, random.Random(f"{way}/{seed}"))
    return outcome(job, result), len(places) + 1, ", ".join(places)


def whole(family: str, seed: int, root: Path, data: Path) -> tuple[dict[str, Any], int, str]:
    from bevatron.training.fit import fit

    job = drawn_job(family, seed, root, data, "killed")
    from lives import outcome

    return outcome(job, fit(job)), 1, ""


def bad(found: list[Drawn]) -> int:
    return sum(bool(one.differ) for one in found)


def page(found: list[Drawn], arguments: argparse.Namespace, minutes: float) -> str:
    from bevatron.compute.process.machine import machine

    lines = [
        "# Interrupted fits, counted\n",
        f"Written by `python benchmarks/resume.py --write` on {date.today()}.\n",
        f"{machine()}. {len(found)} fits of drawn settings from seed {arguments.seed}, in {minutes:.0f} minutes. What\n"
        "is drawn, and how fits are interrupted, is described at the head of `resume.py`.\n",
        f"**{bad(found)} of {len(found)}** fits ended with other weights, losses or files than without them.\n",
        "| what learns | fits | lives each: " + " | ".join(WAYS) + " | fits that differ |",
        "|---|---|" + "---|" * len(WAYS) + "---|",
    ]
    for family in dict.fromkeys(one.family for one in found):
        of = [one for one in found if one.family == family]
        lives = " | ".join(f"{sum(o.lives.get(way, 0) for o in of) / len(of):.1f}" for way in WAYS)
        lines.append(f"| {family} | {len(of)} | {lives} | {bad(of)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=2, help="fits at once")
    parser.add_argument("--only", default="", help="families whose name contains this")
    parser.add_argument("--write", action="store_true", help="write RESUME.md")
    asked = parser.parse_args()
    begun = time.monotonic()
    all_found = campaign(asked.fits, asked.seed, asked.lanes, asked.only)
    text = page(all_found, asked, (time.monotonic() - begun) / 60)
    print(text)
    if asked.write:
        (HERE / "RESUME.md").write_text(text, encoding="utf-8")
    sys.exit(1 if bad(all_found) else 0)
