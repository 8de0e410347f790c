"""A user's ROOT files to a dataset by the source `table`, against reading the same branches with uproot.

    python benchmarks/table_files.py [--jets 200000] [--shards 2] [--turns 3] [--folder FOLDER] [--memory]

The file is made up, in the layout of JetClass: 30 to 60 particles a jet (45 on average) of 16 branches, each a list,
labels of several types, and numbers of the jet; a TTree by `uproot.mktree` in clusters of 20,000 jets with ROOT's
default compression. The study takes the 17 features of the particles that are usual for JetClass, logarithms among
them, six numbers of the jet, and the class from ten labels.

Ours is what a dataset costs: `simulate` and `prepare` of each shard, a process for each shard and all at once on the
cores that there are, and then the manifest in one more process. The reference is `uproot.iterate` over the branches
that the study needs, in its own steps of 100 MB, looking at nothing, in one process, as it runs. Processes have
imported what they need and have read a small file before the clock starts; what that costs a process is printed
apart. Twice the time of the reference is allowed, a ratio of rates of 0.5: of the time that passes, and, as a second
row, of the seconds of cores.

With --memory, the peak memory of both stages for the last shard of --jets jets, and of four times as many in four
files.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

REQUIRED = 0.5
FILL = 20_000  # jets that are written at a time
SMALL = 500  # jets of the file that is read before the clock starts
LABELS = {
    "QCD": "f4", "Hbb": "?", "Hcc": "?", "Hgg": "?", "H4q": "?", "Hqql": "?",
    "Zqq": "i4", "Wqq": "i4", "Tbqq": "i4", "Tbl": "i4",
}  # fmt: skip
KINDS = ("ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon")
JET = ("pt", "eta", "phi", "energy", "nparticles", "sdmass", "tau1", "tau2", "tau3", "tau4")
SOURCE = {
    "kind": "table",
    "tree": "tree",
    "derived": {
        "part_pt": "hypot(part_px, part_py)",
        "part_logpt": "log(part_pt)",
        "part_loge": "log(part_energy)",
    },
    "groups": {
        "jet": {"features": {
            "log_pt": "log(jet_pt)", "eta": "jet_eta", "log_energy": "log(jet_energy)", "mass": "jet_sdmass",
            "tau21": "jet_tau2 / jet_tau1", "tau32": "jet_tau3 / jet_tau2",
        }},
        "particles": {
            "layout": "list",
            "features": {
                "log_pt": "part_logpt", "log_e": "part_loge", "log_pt_rel": "log(part_pt / jet_pt)",
                "log_e_rel": "log(part_energy / jet_energy)", "delta_r": "hypot(part_deta, part_dphi)",
                "charge": "part_charge", **{f"is_{kind}": f"part_is{kind}" for kind in KINDS},
                "d0": "tanh(part_d0val)", "d0_error": "clip(part_d0err, 0, 1)",
                "dz": "tanh(part_dzval)", "dz_error": "clip(part_dzerr, 0, 1)",
                "deta": "part_deta", "dphi": "part_dphi",
            },
        },
    },
    "targets": {"label": {"classes": {name.lower(): f"label_{name} > 0" for name in LABELS}}},
}  # fmt: skip


def main(jets: int = 200_000, shards: int = 2, turns: int = 3, folder: Path | None = None) -> list[dict]:
    """Two rows: jets/s of raw shards and dataset, and of uproot's reading; by the clock, and by the cores' time."""
    from readers import row

    with tempfile.TemporaryDirectory() as temporary:
        place = Path(folder or temporary).resolve()
        make_file(place / f"jets-{jets}.root", jets)
        make_file(place / f"jets-{SMALL}.root", SMALL)
        theirs, ours = [], []
        for _ in range(turns):
            theirs.append(together(["reference"], jets, shards, place)[0])
            with tempfile.TemporaryDirectory(dir=place) as made:
                parts = together([f"shard {k}" for k in range(shards)], jets, shards, place, Path(made))
                parts += together(["manifest"], jets, shards, place, Path(made))
            stages = {name: sum(part.get(name, 0.0) for part in parts) for name in ("simulate", "prepare", "manifest")}
            passed = max(part["seconds"] for part in parts[:-1]) + parts[-1]["seconds"]
            ours.append({"seconds": passed, "cores": sum(part["cores"] for part in parts), **stages})
    for name, found in (("uproot", theirs), ("ours", ours)):
        print(f"{name}: {found}", file=sys.stderr)
    times = {key: [median(turn[key] for turn in turns) for turns in (ours, theirs)] for key in ("seconds", "cores")}
    names = {"seconds": f"table: a dataset, {shards} shards at once", "cores": "table: the same by the cores' time"}
    return [row(names[key], jets / mine, jets / other, REQUIRED) for key, (mine, other) in times.items()]


def memory(jets: int, shards: int, folder: Path | None) -> None:
    """Prints the peak memory for one shard of a file of that size, and of one shard of four such files."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(folder or temporary).resolve()
        make_file(place / f"jets-{SMALL}.root", SMALL)
        first = make_file(place / f"jets-{jets}.root", jets)
        for copies in (1, 4):
            with tempfile.TemporaryDirectory(dir=place) as made:
                for k in range(copies):
                    os.link(first, Path(made) / f"jets-{copies * jets}.root.{k}")
                n = copies * shards
                found = together([f"shard {n - 1}"], copies * jets, n, Path(made), Path(made), place)[0]
                print(f"{copies * jets:,} jets in {n} shards: peak {found['peak GB']:.3f} GB")


def make_file(path: Path, jets: int, seed: int = 1) -> Path:
    """A tree in JetClass's layout; one that was made before is kept."""
    if path.is_file():
        return path
    import uproot

    random = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"part-{path.name}")
    with uproot.recreate(part, compression=uproot.ZLIB(1)) as file:
        tree = None
        for start in range(0, jets, FILL):
            columns = jet_columns(min(FILL, jets - start), random)
            if tree is None:
                tree = file.mktree("tree", {name: values.type.content if name == "part" else values.dtype
                                            for name, values in columns.items()})  # fmt: skip
            tree.extend(columns)
    part.rename(path)
    return path


def jet_columns(n: int, random: np.random.Generator) -> dict:
    """Columns of n jets; `part` is a record of lists, of which uproot makes branches `part_px` and so on."""
    import awkward as ak

    label = random.integers(0, len(LABELS), n)
    lengths = random.integers(30, 61, n)
    total = int(lengths.sum())
    owner = np.repeat(np.arange(n), lengths)
    jet_pt = random.uniform(500, 1000, n).astype(np.float32)
    jet_eta, jet_phi = random.uniform(-2, 2, n), random.uniform(-np.pi, np.pi, n)
    fraction = random.exponential(size=total)
    fraction /= np.bincount(owner, fraction, n)[owner]
    pt = fraction * jet_pt[owner]
    width = (0.05 + 0.02 * label)[owner]  # what tells the classes apart
    deta, dphi = random.normal(scale=width), random.normal(scale=width)
    eta, phi = jet_eta[owner] + deta, jet_phi[owner] + dphi
    kind = random.choice(len(KINDS), total, p=[0.5, 0.15, 0.3, 0.02, 0.03])
    charged = np.isin(kind, (0, 3, 4))
    particles: dict[str, np.ndarray] = {
        "px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta), "energy": pt * np.cosh(eta),
        "deta": deta, "dphi": dphi,
        "d0val": np.where(charged, random.normal(scale=width), 0), "d0err": np.where(charged, 0.02, 0),
        "dzval": np.where(charged, random.normal(scale=width), 0), "dzerr": np.where(charged, 0.05, 0),
        "charge": np.where(charged, random.choice([-1, 1], total), 0),
    }  # fmt: skip
    particles = {name: values.astype(np.float32) for name, values in particles.items()}
    particles |= {f"is{name}": (kind == k).astype(np.int32) for k, name in enumerate(KINDS)}
    numbers = {name: random.uniform(0.1, 1, n) for name in JET}
    numbers |= {"pt": jet_pt, "eta": jet_eta, "phi": jet_phi, "nparticles": lengths}
    numbers["energy"] = jet_pt * np.cosh(jet_eta)
    numbers["sdmass"] = random.normal(100 + 10 * label, 20)
    return {
        "part": ak.zip({name: ak.unflatten(values, lengths) for name, values in particles.items()}),
        **{f"jet_{name}": numbers[name].astype(np.float32) for name in JET},
        **{f"label_{name}": (label == k).astype(dtype) for k, (name, dtype) in enumerate(LABELS.items())},
    }


def study_settings(path: Path, jets: int, shards: int) -> dict:
    """What the study's file says, for that file of jets, cut into equal shards."""
    source = {**SOURCE, "files": [str(path)]}
    if shards > 1:
        source["per_shard"] = -(-jets // shards)
    return {
        "name": "table",
        "title": "Jets",
        "summary": "Jets of a file.",
        "simulation": {"source": source, "shards": shards},
        "dataset": {"recipe": {"kind": "table"}},
        "task": {"kind": "classification", "target": "label", "classes": [n.lower() for n in LABELS], "signal": "hbb"},
        "models": {"net": {"title": "net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [4]}}},
    }


def study(path: Path, jets: int, shards: int):
    """The study itself."""
    from bevatron.config.sections.study import Study

    return Study.model_validate(study_settings(path, jets, shards))


def shard(path: Path, jets: int, shards: int, number: int, folder: Path) -> dict[str, float]:
    """Raw shard and sample shards in this process: seconds of each stage."""
    from bevatron.prepare.stage import prepare_shard
    from bevatron.simulate.stage import simulate_shard

    made, raw = study(path, jets, shards), folder / f"raw-{number}.h5"
    start = perf_counter()
    simulate_shard(made, number, raw)
    middle = perf_counter()
    prepare_shard(made, raw, folder / "dataset")
    return {"simulate": middle - start, "prepare": perf_counter() - middle}


def manifest(path: Path, jets: int, shards: int, folder: Path) -> dict[str, float]:
    """The manifest of all shards: its seconds."""
    from bevatron.prepare.stage import write_manifest

    start = perf_counter()
    write_manifest(study(path, jets, shards), folder / "dataset")
    return {"manifest": perf_counter() - start}


def reference(path: Path, jets: int) -> None:
    """uproot's own steps over the branches that the study needs."""
    import uproot

    from bevatron.simulate.mapping.columns import Formulas

    branches = Formulas(study(path, jets, 1).simulation.source).columns_read()
    n = sum(len(step) for step in uproot.iterate({str(path): "tree"}, branches, step_size="100 MB"))
    if n != jets:
        raise RuntimeError(f"uproot read {n} jets of {jets}")


def together(
    jobs: list[str], jets: int, shards: int, files: Path, made: Path | None = None, small: Path | None = None
) -> list[dict[str, float]]:
    """What the jobs found, each in a process of its own; all start at once when the last has imported what it needs."""
    started = []
    for job in jobs:
        what, _, number = job.partition(" ")
        command = [sys.executable, __file__, "--run", what, "--number", number or "0", "--jets", str(jets)]
        command += [
            "--shards",
            str(shards),
            "--folder",
            str(files),
            "--made",
            str(made),
            "--small",
            str(small or files),
        ]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    for process in started:
        if process.stdout is None or process.stdout.readline().strip() != "ready":
            raise RuntimeError("a job ended before it began; see above")
    for process in started:
        print("go", file=process.stdin, flush=True)
    answers = [process.communicate()[0] for process in started]
    return [json.loads(answer) for answer in answers]


def run(arguments: argparse.Namespace) -> dict[str, float]:
    """One job in this process: imports and a small file, then, at a word, the job itself."""
    import resource

    large, small = arguments.folder / f"jets-{arguments.jets}.root", arguments.small / f"jets-{SMALL}.root"
    if (large.with_name(f"{large.name}.0")).is_file():
        large = large.with_name(f"{large.name}.*")
    start = perf_counter()
    if arguments.run == "reference":
        reference(small, SMALL)
    else:
        with tempfile.TemporaryDirectory() as name:
            shard(small, SMALL, 1, 0, Path(name))
            manifest(small, SMALL, 1, Path(name))
    imports = perf_counter() - start
    print("ready", flush=True)
    sys.stdin.readline()
    start, cpu, spent = perf_counter(), process_time(), {}
    match arguments.run:
        case "reference":
            reference(large, arguments.jets)
        case "manifest":
            spent = manifest(large, arguments.jets, arguments.shards, arguments.made)
        case _:
            spent = shard(large, arguments.jets, arguments.shards, arguments.number, arguments.made)
    found = {"seconds": perf_counter() - start, "cores": process_time() - cpu, **spent, "imports": imports}
    return found | {"peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jets", type=int, default=200_000)
    parser.add_argument("--shards", type=int, default=2, help="as many as there are cores")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the files are kept and found again; absent: temporary")
    parser.add_argument("--memory", action="store_true", help="peak memory of two sizes, and not the time")
    for name, kind in (("run", str), ("number", int), ("made", Path), ("small", Path)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(run(arguments)))
    elif arguments.memory:
        memory(arguments.jets, arguments.shards, arguments.folder)
    else:
        from readers import show

        show(main(arguments.jets, arguments.shards, arguments.turns, arguments.folder), "jets")
