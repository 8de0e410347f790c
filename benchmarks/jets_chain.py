"""Jets from collision to samples against Pythia alone, and two shards on two cores against one on one.

    python benchmarks/jets_chain.py [--events 6150] [--modern]

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
    with tempfile.TemporaryDirectory() as name:
        return [_against_bare("jets_modern", events, Path(name), rounds=1, modern=True)[0]]


def main(events: int = 6150) -> list[dict]:
    """One row each: events/s of simulate and prepare over the bare loop's, Pythia's fraction, two cores' gain."""
    from readers import row

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        against_bare, whole = _against_bare("jets", events, folder, rounds=3)
        start = perf_counter()
        two = [_started("shard", events, folder / str(number), number) for number in (1, 2)]
        seconds = [_result(process)["seconds"] for process in two]
        print(f"two at once {perf_counter() - start:.1f} s")
    inside = whole["inside"] / whole["seconds"]
    return [
        against_bare,
        row("jets: time inside Pythia, fraction in percent", 100 * inside, 100.0, SHARE),
        row(
            "jets: two shards on two cores against one on one",
            2 * whole["events"] / max(seconds),
            whole["events"] / whole["seconds"],
            SCALING,
        ),
    ]


def _against_bare(study: str, events: int, folder: Path, rounds: int, modern: bool = False) -> tuple[dict, dict]:
    """The row of the round with the median ratio, and its shard: a machine's clock may change from round to round."""
    from readers import row

    _run("shard", 20, folder / "first", 0, modern)
    pairs = []
    for number in range(rounds):
        whole = _run("shard", events, folder / f"round-{number}", 0, modern)
        bare = _run("bare", events, folder, 0, modern)
        pairs.append((whole["seconds"] / bare["seconds"], whole, bare))
        print(
            f"{whole['events']} events: {whole['seconds']:.1f} s, Pythia alone {bare['seconds']:.1f} s, "
            f"{pairs[-1][0]:.3f} times; of the processor {whole['cpu']:.1f} s and {bare['cpu']:.1f} s, "
            f"{whole['cpu'] / bare['cpu']:.3f} times"
        )
    _, whole, bare = sorted(pairs, key=lambda pair: pair[0])[rounds // 2]
    what, total = f"{study}: simulate and prepare against bare nextBatch", whole["events"]
    return row(what, total / whole["seconds"], total / bare["seconds"], SLOWEST), whole


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
            made += len(pythia.nextBatch(min(options.batch, wanted - made)))
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
    parser.add_argument("--events", type=int, default=6150, help="of each of beauty, charm and light")
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
