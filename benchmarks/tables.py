"""A user's ROOT files to a dataset by the source `table`, against reading the same branches with uproot.

    python benchmarks/tables.py [--jets 200000] [--shards 4] [--folder FOLDER] [--memory]

The file is made up, in the layout of JetClass: 30 to 60 particles a jet (45 on average) of 16 branches, of which each is
a list, labels of several types, and numbers of the jet; a TTree by `uproot.mktree` with ROOT's default compression.
The study takes the 17 features of the particles that are usual for JetClass, logarithms and angles among them, six
numbers of the jet, and the class from ten labels.

Ours is what a dataset costs: the stages `simulate` and `prepare` of each shard, one after the other, and the manifest.
The reference is `uproot.iterate` over the branches that the study needs, in its own steps of 100 MB, looking at nothing.
Each is a process on one core that has imported what it needs, and has read a small file; what the imports cost a process
is printed apart. Twice the time of the reference is allowed, a ratio of rates of 0.5.

With --memory, the peak memory of both stages for one shard of a file of --jets, and of one with four times as many.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
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


def main(jets: int = 200_000, shards: int = 4, folder: Path | None = None) -> list[dict]:
    """One row: jets/s of raw shards and dataset, and of uproot's reading."""
    from readers import row

    with tempfile.TemporaryDirectory() as temporary:
        place = Path(folder or temporary).resolve()
        make_file(place / f"jets-{jets}.root", jets)
        make_file(place / f"jets-{SMALL}.root", SMALL)
        reference = _run("reference", jets, 1, place)
        ours = _run("ours", jets, shards, place)
    for name, found in (("ours", ours), ("uproot", reference)):
        times = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in found.items())
        print(f"{name}: {times}", file=sys.stderr)
    return [row("table: a dataset from ROOT", jets / ours["seconds"], jets / reference["seconds"], REQUIRED)]


def memory(jets: int, shards: int, folder: Path | None) -> None:
    """Prints the peak memory for one shard of a file of that size, and of one four times as large."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(folder or temporary).resolve()
        for n, parts in ((jets, shards), (4 * jets, 4 * shards)):
            make_file(place / f"jets-{n}.root", n)
            make_file(place / f"jets-{SMALL}.root", SMALL)
            found = _run("one", n, parts, place)
            print(f"{n:,} jets in {parts} shards: peak {found['peak GB']:.3f} GB for the last shard")


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


def ours(path: Path, jets: int, shards: int, folder: Path) -> dict[str, float]:
    """Raw shards, sample shards and manifest in this process: seconds of each stage."""
    from bevatron.prepare.stage import prepare_shard, write_manifest
    from bevatron.simulate.stage import simulate_shard

    made = study(path, jets, shards)
    spent = {"simulate": 0.0, "prepare": 0.0, "manifest": 0.0}
    for k in range(shards):
        with _timing(spent, "simulate"):
            simulate_shard(made, k, folder / f"raw-{k}.h5")
        with _timing(spent, "prepare"):
            prepare_shard(made, folder / f"raw-{k}.h5", folder / "dataset")
    with _timing(spent, "manifest"):
        write_manifest(made, folder / "dataset")
    return spent


def one(path: Path, jets: int, shards: int, folder: Path) -> None:
    """The last shard alone."""
    from bevatron.prepare.stage import prepare_shard
    from bevatron.simulate.stage import simulate_shard

    made = study(path, jets, shards)
    simulate_shard(made, shards - 1, folder / "raw.h5")
    prepare_shard(made, folder / "raw.h5", folder / "dataset")


def reference(path: Path, jets: int) -> None:
    """uproot's own steps over the branches that the study needs."""
    import uproot

    from bevatron.simulate.mapping.columns import Formulas

    branches = Formulas(study(path, jets, 1).simulation.source).columns_read()
    n = sum(len(step) for step in uproot.iterate({str(path): "tree"}, branches, step_size="100 MB"))
    if n != jets:
        raise RuntimeError(f"uproot read {n} jets of {jets}")


class _timing:
    def __init__(self, spent: dict[str, float], name: str):
        self._spent, self._name = spent, name

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(self, *error: object) -> None:
        self._spent[self._name] += perf_counter() - self._start


def _run(what: str, jets: int, shards: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--run", what, "--jets", str(jets), "--shards", str(shards)]
    result = subprocess.run([*command, "--folder", str(folder)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout.splitlines()[-1])


def _measure(what: str, jets: int, shards: int, folder: Path) -> dict[str, float]:
    """In a process of its own: what it takes, imports apart."""
    import resource

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    large, small = (folder / f"jets-{n}.root" for n in (jets, SMALL))
    with tempfile.TemporaryDirectory(dir=folder) as name:
        start = perf_counter()
        if what == "reference":
            reference(small, SMALL)
        else:
            ours(small, SMALL, 1, Path(name) / "small")
        imports, start, cpu = perf_counter() - start, perf_counter(), process_time()
        spent: dict[str, float] = {}
        if what == "reference":
            reference(large, jets)
        elif what == "one":
            one(large, jets, shards, Path(name))
        else:
            spent = ours(large, jets, shards, Path(name))
        found = {"seconds": perf_counter() - start, "of the core": process_time() - cpu, **spent, "imports": imports}
    if what == "one":
        found["peak GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jets", type=int, default=200_000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where the files are kept and found again; absent: temporary")
    parser.add_argument("--memory", action="store_true", help="peak memory of two sizes, and not the time")
    parser.add_argument("--run", choices=("ours", "one", "reference"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(_measure(arguments.run, arguments.jets, arguments.shards, arguments.folder)))
    elif arguments.memory:
        memory(arguments.jets, arguments.shards, arguments.folder)
    else:
        from readers import show

        show(main(arguments.jets, arguments.shards, arguments.folder), "jets")
