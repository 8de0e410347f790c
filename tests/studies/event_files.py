"""Small files of whole events and images: HIGGS, the Higgs boson challenge, MicroBooNE's open samples, Galaxy10."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from written_truth import SPLITS, Truth


def higgs(data: Path) -> Truth:
    """CSV without names, gzip: the label, 21 measured quantities and 7 masses, in scientific notation."""
    data.mkdir(parents=True)
    draw = np.random.default_rng(4)
    n = 400
    label = draw.integers(0, 2, n)
    rows = np.column_stack([label, draw.exponential(size=(n, 21)), draw.exponential(size=(n, 7)) + label[:, None]])
    np.savetxt(data / "HIGGS.csv.gz", rows, delimiter=",", fmt="%.18e")
    bounds = {"train": slice(0, 240), "val": slice(240, 300), "test": slice(300, n)}
    counts = {split: np.bincount(label[rows], minlength=2).tolist() for split, rows in bounds.items()}
    return Truth(counts, {"rows": rows, "bounds": bounds})


HIGGSML_DERIVED = [
    "mass_MMC", "mass_transverse_met_lep", "mass_vis", "pt_h", "deltaeta_jet_jet", "mass_jet_jet", "prodeta_jet_jet",
    "deltar_tau_lep", "pt_tot", "sum_pt", "pt_ratio_lep_tau", "met_phi_centrality", "lep_eta_centrality",
]  # fmt: skip
HIGGSML_MEASURED = [
    "tau_pt", "tau_eta", "tau_phi", "lep_pt", "lep_eta", "lep_phi", "met", "met_phi", "met_sumet", "jet_num",
    "jet_leading_pt", "jet_leading_eta", "jet_leading_phi", "jet_subleading_pt", "jet_subleading_eta",
    "jet_subleading_phi", "jet_all_pt",
]  # fmt: skip


def higgsml(data: Path) -> Truth:
    """CSV with names, gzip: -999 where a quantity is not defined; KaggleSet t, b, v or u; two weights."""
    data.mkdir(parents=True)
    draw = np.random.default_rng(5)
    n = 400
    signal, jets = draw.integers(0, 2, n) == 1, draw.integers(0, 4, n)
    frame = pd.DataFrame({"EventId": np.arange(100_000, 100_000 + n)})
    for name in HIGGSML_DERIVED:
        frame[f"DER_{name}"] = draw.exponential(size=n) * 60 + 60 * signal
    for name in HIGGSML_MEASURED:
        frame[f"PRI_{name}"] = draw.normal(size=n) * 30
    frame["PRI_jet_num"] = jets
    frame.loc[draw.random(n) < 0.15, "DER_mass_MMC"] = -999.0
    for name in ("jet_leading_pt", "jet_leading_eta", "jet_leading_phi"):
        frame.loc[jets == 0, f"PRI_{name}"] = -999.0
    two = ["PRI_jet_subleading_pt", "PRI_jet_subleading_eta", "PRI_jet_subleading_phi"]
    two += ["DER_deltaeta_jet_jet", "DER_mass_jet_jet", "DER_prodeta_jet_jet", "DER_lep_eta_centrality"]
    frame.loc[jets < 2, two] = -999.0
    frame["Weight"] = np.where(signal, draw.uniform(0.001, 0.003, n), draw.uniform(0.1, 3, n))
    frame["Label"] = np.where(signal, "s", "b")
    frame["KaggleSet"] = draw.choice(list("tbvu"), n, p=[0.5, 0.15, 0.25, 0.1])
    frame["KaggleWeight"] = frame["Weight"] * 1.5
    frame.to_csv(data / "atlas-higgs-challenge-2014-v2.csv.gz", index=False)
    counts = {
        split: [int(((frame["KaggleSet"] == letter) & (frame["Label"] == label)).sum()) for label in "bs"]
        for split, letter in zip(SPLITS, "tbv", strict=True)
    }
    return Truth(counts, {"frame": frame})


def _seq_cnt(counts: np.ndarray) -> np.ndarray:
    return np.array([(event, count) for event, count in enumerate(counts) if count], np.int64).reshape(-1, 2)


def microboone(data: Path) -> Truth:
    """HDF5 of the open samples without wires: a group for each table, 2-dimensional datasets, rows counted by event."""
    truth = Truth({}, totals=[0, 0, 0])
    for number, (folder, name, n) in enumerate(
        (("inclusive", "bnb_NoWire_00", 150), ("electron_neutrino", "nue_NoWire_00", 100))
    ):
        (data / folder).mkdir(parents=True)
        draw = np.random.default_rng(number)
        is_cc = draw.integers(0, 2, n) if number == 0 else np.ones(n, int)
        pdg = draw.choice([14, -14], n) if number == 0 else draw.choice([12, -12], n)
        vertex = draw.uniform([-60, -150, -50], [300, 150, 1100], (n, 3))
        inside = ((vertex > [0, -116.5, 0]) & (vertex < [256.35, 116.5, 1036.8])).all(axis=1)
        counts = draw.integers(0, 30, n) + 60 * (number == 1)
        counts[:3] = 0  # events without a hit have no line in event_id.seq_cnt
        event = np.column_stack([np.full(n, 5000 + number), np.arange(n) // 10, np.arange(n)]).astype("i4")
        total = int(counts.sum())
        hits = {
            "hit_id": np.concatenate([np.arange(c) for c in counts]).astype("i4"),
            "integral": draw.exponential(100, total).astype("f4"), "rms": draw.uniform(2, 6, total).astype("f4"),
            "tpc": np.zeros(total, "i4"), "local_plane": draw.integers(0, 3, total).astype("i4"),
            "local_time": draw.uniform(0, 6400, total).astype("f4"),
            "local_wire": draw.integers(0, 2400, total).astype("i4"),
        }  # fmt: skip
        events = {
            "is_cc": is_cc, "lep_energy": draw.exponential(size=n), "nu_dir": draw.normal(size=(n, 3)),
            "nu_energy": draw.exponential(size=n), "nu_pdg": pdg, "nu_vtx": vertex, "nu_vtx_corr": vertex,
            "nu_vtx_wire_pos": draw.normal(size=(n, 3)), "nu_vtx_wire_time": draw.normal(size=n),
        }  # fmt: skip
        particles = {
            "g4_id": np.arange(2 * n),
            "g4_pdg": draw.choice([13, 2212], 2 * n),
            "momentum": draw.random(2 * n),
        }
        tables = {
            "event_table": (events, np.ones(n, int)),
            "hit_table": (hits, counts),
            "particle_table": (particles, np.full(n, 2)),
        }
        with h5py.File(data / folder / f"{name}.h5", "w") as file:
            for group, (table, rows) in tables.items():
                for key, values in table.items():
                    two = values.reshape(len(values), -1)
                    file.create_dataset(f"{group}/{key}", data=two, compression="gzip", chunks=True)
                file[f"{group}/event_id"] = np.repeat(event, rows, axis=0)
                file[f"{group}/event_id.seq_cnt"] = _seq_cnt(rows)
        kind = np.where(is_cc == 0, 0, np.where(np.abs(pdg) == 14, 1, 2))
        truth.totals = (np.bincount(kind[inside], minlength=3) + truth.totals).tolist()
        truth.content[folder] = {"hits": hits, "counts": counts, "inside": inside, "kind": kind}
    return truth


def galaxy10(data: Path) -> Truth:
    """HDF5: images (n, 256, 256, 3) of bytes, their classes, positions, redshifts and the size of a pixel."""
    data.mkdir(parents=True)
    draw = np.random.default_rng(8)
    n = 160
    answer = np.arange(n) // 16  # class after class
    images = np.zeros((n, 256, 256, 3), np.uint8)
    for k in range(n):
        side = 10 + 10 * answer[k]
        images[k, 128 - side : 128 + side, 128 - side : 128 + side] = draw.integers(60, 255, 3)
    with h5py.File(data / "Galaxy10_DECals.h5", "w") as file:
        file.create_dataset("images", data=images, compression="lzf", chunks=(16, 256, 256, 3))
        file["ans"] = answer.astype(np.uint8)
        for name, values in (("ra", draw.uniform(0, 360, n)), ("dec", draw.uniform(-20, 80, n))):
            file[name] = values
        file["redshift"], file["pxscale"] = draw.uniform(0, 0.2, n), np.full(n, 0.262)
    return Truth({}, {"images": images, "ans": answer}, np.bincount(answer, minlength=10).tolist())
