"""Small files as each guide of docs/how-to/own-files assumes them, written by the format's own library.

Each writer works in a folder and gives what the study must find there: the number of samples, and for classes how
many of each there are, by counts that do not use Bevatron.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import uproot

N = 400


@dataclass(frozen=True)
class Expected:
    """What the study's samples are."""

    samples: int
    classes: tuple[int, ...] | None = None


def _lists(draw: np.random.Generator, n: int, most: int = 12) -> tuple[np.ndarray, int]:
    lengths = draw.integers(1, most, n)
    return lengths, int(lengths.sum())


def root(data: Path, ntuple: bool = False) -> Expected:
    counts = []
    for seed, (name, label) in enumerate((("HToBB_000", "Hbb"), ("ZJetsToNuNu_000", "QCD"))):
        draw = np.random.default_rng(seed)
        lengths, total = _lists(draw, N)
        columns = {
            "jet_pt": draw.uniform(450, 1000, N).astype("f4"), "jet_eta": draw.normal(0, 1.2, N).astype("f4"),
            "jet_sdmass": draw.normal(100, 10, N).astype("f4"),
            "label_QCD": np.full(N, label == "QCD", "f4"), "label_Hbb": np.full(N, label == "Hbb"),
        } | {
            f"part_{part}": ak.unflatten(draw.normal(0, 5, total).astype("f4"), lengths)
            for part in ("px", "py", "deta", "dphi", "charge")
        }  # fmt: skip
        with uproot.recreate(data / f"{name}.root") as file:
            if ntuple:
                file.mkrntuple("tree", columns)
            else:
                file["tree"] = columns
        counts.append(int(((columns["jet_pt"] > 500) & (abs(columns["jet_eta"]) < 2)).sum()))
    return Expected(sum(counts), (counts[1], counts[0]))


def hdf5_compound(data: Path) -> Expected:
    draw = np.random.default_rng(2)
    jets = np.zeros(N, [("pt", "f4"), ("eta", "f4"), ("HadronConeExclTruthLabelID", "i4"), ("eventNumber", "i8")])
    jets["pt"], jets["eta"] = draw.uniform(1e4, 1e5, N), draw.normal(0, 1.5, N)
    jets["HadronConeExclTruthLabelID"], jets["eventNumber"] = draw.choice([0, 4, 5, 15], N), np.arange(N) // 2
    fields = [(name, "f4") for name in ("d0", "z0SinTheta", "deta", "dphi")]
    tracks = np.zeros((N, 40), [*fields, ("numberOfPixelHits", "u1"), ("valid", "?")])
    tracks["valid"] = np.arange(40) < draw.integers(0, 12, N)[:, None]
    for name, _ in fields:
        tracks[name] = np.where(tracks["valid"], draw.normal(size=(N, 40)), np.nan)
    with h5py.File(data / "user.somebody.h5", "w") as file:
        file.create_dataset("jets", data=jets, compression="gzip", chunks=(100,))
        file.create_dataset("tracks", data=tracks, compression="gzip", chunks=(100, 40))
        file["cutBookkeeper/nominal/counts"] = np.zeros((), [("count", "i8"), ("sum", "f8")])
    taken = jets[(jets["pt"] > 20e3) & (abs(jets["eta"]) < 2.5)]["HadronConeExclTruthLabelID"]
    counts = tuple(int((taken == label).sum()) for label in (5, 4, 0))
    return Expected(sum(counts), counts)


def hdf5_arrays(data: Path) -> Expected:
    counts = np.zeros(2, int)
    for seed, split in enumerate(("train", "val", "test")):
        draw = np.random.default_rng(seed)
        exists = np.arange(20) < draw.integers(0, 20, N)[:, None]
        labels, pt = draw.integers(0, 2, N), draw.uniform(3e5, 1e6, N)
        with h5py.File(data / f"{split}.h5", "w") as file:
            for name in ("pt", "eta", "phi"):
                file[f"fjet_clus_{name}"] = np.where(exists, draw.uniform(0.1, 2, (N, 20)), 0).astype("f4")
            file["fjet_pt"], file["labels"] = pt, labels
            file["fjet_eta"], file["fjet_phi"] = draw.normal(size=N), draw.uniform(-3, 3, N)
            file["fjet_m"] = draw.uniform(1e4, 1e5, N)
        counts += np.bincount(labels[pt > 350e3], minlength=2)
    return Expected(int(counts.sum()), tuple(counts.tolist()))


def pandas_hdf5(data: Path) -> Expected:
    counts = np.zeros(2, int)
    for seed, (split, n) in enumerate((("train", 500), ("val", 150), ("test", 150))):
        draw = np.random.default_rng(seed)
        exists = np.arange(6) < draw.integers(2, 7, n)[:, None]
        frame = pd.DataFrame({
            f"{name}_{k}": np.where(exists[:, k], draw.uniform(1, 100, n), 0).astype("f4")
            for k in range(6) for name in ("E", "PX", "PY", "PZ")
        } | {"truthE": draw.uniform(1, 9, n).astype("f4"), "is_signal_new": draw.integers(0, 2, n)})  # fmt: skip
        frame.to_hdf(data / f"{split}.h5", key="table", format="table")
        counts += np.bincount(frame["is_signal_new"], minlength=2)
    return Expected(800, tuple(counts.tolist()))


def parquet(data: Path) -> Expected:
    n_samples = 0
    for number in range(2):
        draw = np.random.default_rng(number)
        lengths = draw.integers(0, 9, 500)
        columns = {f"hit_{name}": ak.unflatten(draw.exponential(size=lengths.sum()).astype("f4"), lengths)
                   for name in ("x", "y", "energy")}  # fmt: skip
        columns |= {"true_energy": draw.uniform(1, 9, 500), "run": np.full(500, number), "event": np.arange(500)}
        table = ak.to_arrow_table(ak.Array(columns), extensionarray=False)
        pq.write_table(table, data / f"showers-{number}.parquet", row_group_size=200)
        n_samples += int((lengths > 0).sum())
    return Expected(n_samples)


def csv(data: Path, compressed: bool = False) -> Expected:
    draw = np.random.default_rng(7)
    frame = pd.DataFrame({
        "EventId": np.arange(N) + 100000,
        "DER_mass_MMC": np.where(draw.random(N) < 0.2, -999.0, draw.uniform(80, 200, N)),
        "PRI_met": draw.exponential(30, N), "PRI_jet_num": draw.integers(0, 4, N),
        "DER_deltaeta_jet_jet": np.where(draw.random(N) < 0.5, -999.0, draw.exponential(size=N)),
        "Label": draw.choice(["s", "b"], N),
    })  # fmt: skip
    text = frame.to_csv(index=False).encode()
    if compressed:
        (data / "higgs.csv.gz").write_bytes(gzip.compress(text))
    else:
        (data / "higgs.csv").write_bytes(text)
    return Expected(N, tuple(int((frame["Label"] == label).sum()) for label in "bs"))


def npz_lists(data: Path) -> Expected:
    counts = np.zeros(2, int)
    for number in range(2):
        draw = np.random.default_rng(number)
        exists = np.arange(15) < draw.integers(1, 16, N)[:, None]
        particles = np.stack([
            draw.exponential(size=(N, 15)) + 0.1, draw.normal(size=(N, 15)), draw.uniform(0, 6, (N, 15)),
            draw.choice([22, 211, -211, 130], (N, 15)),
        ], axis=2) * exists[:, :, None]  # fmt: skip
        y = draw.integers(0, 2, N)
        np.savez_compressed(data / f"QG_jets_{number}.npz", X=particles, y=y.astype(float))
        counts += np.bincount(y, minlength=2)
    return Expected(2 * N, tuple(counts.tolist()))


def npz_images(data: Path) -> Expected:
    draw = np.random.default_rng(4)
    answers = draw.integers(0, 3, N)
    np.savez(
        data / "galaxies.npz", images=draw.integers(0, 256, (N, 8, 8, 3), np.uint8), ans=answers,
        redshift=draw.uniform(0, 1, N),
    )  # fmt: skip
    counts = np.bincount(answers, minlength=3)[:2]
    return Expected(int(counts.sum()), tuple(counts.tolist()))
