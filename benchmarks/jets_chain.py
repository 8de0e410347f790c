"""Jets from collision to samples against Pythia alone, and two shards on two cores against one on one.

    python benchmarks/jets_chain.py [--events 3100] [--modern]

Ours is what a shard costs: the stages simulate and prepare in one process, from Pythia's start to the published sample
shards. The reference is a bare loop of Pythia's nextBatch over the same events (the same settings, seeds and batches),
its start included. Compiled code lies in its cache, as after the first job on a machine. 1.25 times the loop's time is
allowed, which is a ratio of rates of 0.8; the source's settings are those of the study `jets`. The fraction of the time
spent inside Pythia is that of the same shard.

`--modern` is the same of the study `jets_modern`: with pile-up (the loop generates the pool of other collisions too),
the truth of tracks and both modern vertex finders. On a machine that does other things too the processors' own time,
printed below, says more than the clock's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

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


def main_modern(events: int = 2000) -> list[dict]:
    """One row: events/s of simulate and prepare of `jets_modern` over the bare loop's."""
    from readers import row

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run("shard", 20, folder / "first", 0, modern=True)
        whole = _run("shard", events, folder / "0", 0, modern=True)
        bare = _run("bare", events, folder / "0", 0, modern=True)
    total, of_cpu = whole["events"], whole["cpu"] / bare["cpu"]
    print(
        f"{total} events: {whole['seconds']:.1f} s, Pythia alone {bare['seconds']:.1f} s; of the processor "
        f"{whole['cpu']:.1f} s and {bare['cpu']:.1f} s, {of_cpu:.3f} times"
    )
    what = "jets_modern: simulate and prepare against bare nextBatch"
    return [row(what, total / whole["seconds"], total / bare["seconds"], SLOWEST)]


def main(events: int = 6150) -> list[dict]:
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


def study(events: int, modern: bool = False):
    from bevatron.config.sections.study import Study

    name = "jets_modern" if modern else "jets"
    text = (Path(__file__).parents[1] / "config" / "studies" / f"{name}.yaml").read_text(encoding="utf-8")
    source = yaml.safe_load(text)["simulation"]["source"]
    simulation = {"source": source | {"events": events}, "shards": 3}
    return Study.model_validate({**STUDY, "simulation": simulation, "dataset": {"recipe": {"kind": name}}})


def shard(events: int, folder: Path, number: int, modern: bool = False) -> dict:
    """Both stages of one shard in this process, without the imports that any process pays."""
    from bevatron.prepare.stage import prepare_shard
    from bevatron.simulate.stage import simulate_shard

    asked = study(events, modern)
    start, cpu = perf_counter(), process_time()
    raw = folder / f"shard-{number:04d}.h5"
    simulate_shard(asked, number, raw)
    prepare_shard(asked, raw, folder / "dataset")
    seconds, cpu = perf_counter() - start, process_time() - cpu
    timing = json.loads(raw.with_suffix("").with_suffix(".timing.json").read_text(encoding="utf-8"))
    return {"seconds": seconds, "cpu": cpu, "events": timing["events"], "inside": timing["seconds_in_generator"]}


def bare(events: int, folder: Path, number: int, modern: bool = False) -> dict:
    """Pythia alone, one generator for each process, and one for the pool of other collisions."""
    import pythia8mc

    from bevatron.simulate.collisions.pythia import BATCH
    from bevatron.simulate.sources.jets import PythiaJets

    options = study(events, modern).simulation.source
    start, cpu = perf_counter(), process_time()
    runs = [([*PythiaJets.settings(options), *settings], events) for settings in options.processes.values()]
    if options.pile_up > 0:
        runs.append((PythiaJets.pile_up_settings(options), options.pile_up_pool))
    for settings, wanted in runs:
        pythia = pythia8mc.Pythia("", False)
        for setting in (
            "Print:quiet = on",
            *settings,
            "Random:setSeed = on",
            "Random:seed = 1",
        ):
            pythia.readString(setting)
        pythia.init()
        made = 0
        while made < wanted:
            made += len(pythia.nextBatch(min(BATCH, wanted - made)))
    return {"seconds": perf_counter() - start, "cpu": process_time() - cpu}


def _started(what: str, events: int, folder: Path, number: int, modern: bool = False) -> subprocess.Popen:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, "--worker", what, str(folder), str(number), "--events", str(events)]
    command += ["--modern"] if modern else []
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _result(process: subprocess.Popen) -> dict:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("a worker failed")
    return json.loads(output.splitlines()[-1])


def _run(what: str, events: int, folder: Path, number: int, modern: bool = False) -> dict:
    return _result(_started(what, events, folder, number, modern))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=3100, help="of each of beauty, charm and light")
    parser.add_argument(
        "--worker", nargs=3, metavar=("WHAT", "FOLDER", "NUMBER"), help="what a process of this one does"
    )
    parser.add_argument("--modern", action="store_true", help="the study jets_modern, with pile-up")
    arguments = parser.parse_args()
    if arguments.worker:
        what, folder, number = arguments.worker
        run = {"shard": shard, "bare": bare}[what]
        print(json.dumps(run(arguments.events, Path(folder), int(number), arguments.modern)))
    else:
        for line in (main_modern if arguments.modern else main)(arguments.events):
            print(line)
