"""Jets from collision to samples against Pythia alone, and two shards on two cores against one on one.

    python benchmarks/jets_chain.py [--events 3100]

Ours is what a shard costs: the stages simulate and prepare in one process, from Pythia's start to the published sample
shards. The reference is a bare loop of Pythia's nextBatch over the same events (the same settings, seeds and batches),
its start included. Compiled code lies in its cache, as after the first job on a machine. 1.25 times the loop's time is
allowed, which is a ratio of rates of 0.8; the source's settings are those of the study `jets`. The fraction of the time spent inside Pythia is that of the same shard.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import yaml

SLOWEST, SHARE, SCALING = 1 / 1.25, 0.8, 1.8
STUDY = {
    "name": "chain",
    "title": "Jets",
    "summary": "One shard of jets.",
    "task": {
        "kind": "classification",
        "target": "flavour",
        "classes": ["light", "charm", "beauty"],
        "signal": "beauty",
    },
    "models": {"net": {"title": "net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [4]}}},
}


def main(events: int = 3100) -> list[dict]:
    """One row each: events/s of simulate and prepare over the bare loop's, Pythia's fraction, two cores' gain."""
    from readers import row

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run("shard", 20, folder / "first", 0)
        whole = _run("shard", events, folder / "0", 0)
        bare = _run("bare", events, folder / "0", 0)
        start = perf_counter()
        two = [_started("shard", events, folder / str(number), number) for number in (1, 2)]
        seconds = [_result(process)["seconds"] for process in two]
        together = perf_counter() - start
    total = whole["events"]
    print(
        f"{total} events: {whole['seconds']:.1f} s, Pythia alone {bare['seconds']:.1f} s; two at once {together:.1f} s"
    )
    inside = whole["inside"] / whole["seconds"]
    return [
        row(
            "jets: simulate and prepare against bare nextBatch",
            total / whole["seconds"],
            total / bare["seconds"],
            SLOWEST,
        ),
        row("jets: time inside Pythia, fraction in percent", 100 * inside, 100.0, SHARE),
        row(
            "jets: two shards on two cores against one on one",
            2 * total / max(seconds),
            total / whole["seconds"],
            SCALING,
        ),
    ]


def study(events: int):
    from bevatron.config.sections.study import Study

    text = (Path(__file__).parents[1] / "config" / "studies" / "jets.yaml").read_text(encoding="utf-8")
    published = yaml.safe_load(text)["simulation"]["source"]
    simulation = {"source": published | {"events": events}, "shards": 3}
    return Study.model_validate({**STUDY, "simulation": simulation, "dataset": {"recipe": {"kind": "jets"}}})


def shard(events: int, folder: Path, number: int) -> dict:
    """Both stages of one shard in this process, without the imports that any process pays."""
    from bevatron.prepare.stage import prepare_shard
    from bevatron.simulate.stage import simulate_shard

    asked = study(events)
    start = perf_counter()
    raw = folder / f"shard-{number:04d}.h5"
    simulate_shard(asked, number, raw)
    prepare_shard(asked, raw, folder / "dataset")
    seconds = perf_counter() - start
    timing = json.loads(raw.with_suffix("").with_suffix(".timing.json").read_text(encoding="utf-8"))
    return {"seconds": seconds, "events": timing["events"], "inside": timing["seconds_in_generator"]}


def bare(events: int, folder: Path, number: int) -> dict:
    """Pythia alone, one generator for each process."""
    import pythia8mc

    from bevatron.simulate.collisions.pythia import BATCH
    from bevatron.simulate.sources.jets import PythiaJets

    options = study(events).simulation.source
    start = perf_counter()
    for settings in options.processes.values():
        pythia = pythia8mc.Pythia("", False)
        for setting in (
            "Print:quiet = on",
            *PythiaJets.settings(options),
            *settings,
            "Random:setSeed = on",
            "Random:seed = 1",
        ):
            pythia.readString(setting)
        pythia.init()
        made = 0
        while made < events:
            made += len(pythia.nextBatch(min(BATCH, events - made)))
    return {"seconds": perf_counter() - start}


def _started(what: str, events: int, folder: Path, number: int) -> subprocess.Popen:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, "--worker", what, str(folder), str(number), "--events", str(events)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _result(process: subprocess.Popen) -> dict:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("a worker failed")
    return json.loads(output.splitlines()[-1])


def _run(what: str, events: int, folder: Path, number: int) -> dict:
    return _result(_started(what, events, folder, number))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=3100, help="of each of beauty, charm and light")
    parser.add_argument(
        "--worker", nargs=3, metavar=("WHAT", "FOLDER", "NUMBER"), help="what a process of this one does"
    )
    arguments = parser.parse_args()
    if arguments.worker:
        what, folder, number = arguments.worker
        print(json.dumps({"shard": shard, "bare": bare}[what](arguments.events, Path(folder), int(number))))
    else:
        for line in main(arguments.events):
            print(line)
