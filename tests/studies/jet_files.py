"""Small files of jets, in the layouts of JetClass, the top-tagging reference and the quark and gluon data set."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import uproot
from layouts import LABELS as JETCLASS_LABELS
from written_truth import Truth

JETCLASS_FILES = {
    "ZJetsToNuNu": "QCD", "HToBB": "Hbb", "HToCC": "Hcc", "HToGG": "Hgg", "HToWW4Q": "H4q", "HToWW2Q1L": "Hqql",
    "ZToQQ": "Zqq", "WToQQ": "Wqq", "TTBar": "Tbqq", "TTBarLep": "Tbl",
}  # fmt: skip
JETCLASS_PARTS = {"train": ("train_100M", "000", 20), "val": ("val_5M", "120", 8), "test": ("test_20M", "100", 10)}


def jetclass_tree(draw: np.random.Generator, n: int, label: str) -> dict[str, Any]:
    """The branches of n jets: particles around the jet's axis, whose number depends on the label."""
    k = JETCLASS_LABELS.index(label)
    lengths = draw.integers(2 + 4 * k, 6 + 4 * k, n)
    total = int(lengths.sum())
    jet = {"pt": draw.uniform(500, 1000, n), "eta": draw.uniform(-2, 2, n), "phi": draw.uniform(-3, 3, n)}
    deta, dphi = draw.normal(0, 0.2, (2, total))
    pt = draw.exponential(size=total) + 0.5
    eta, phi = np.repeat(jet["eta"], lengths) + deta, np.repeat(jet["phi"], lengths) + dphi
    parts = {
        "px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta), "energy": pt * np.cosh(eta),
        "deta": deta, "dphi": dphi, "d0val": draw.normal(0, 1 + k, total), "d0err": draw.exponential(0.5, total),
        "dzval": draw.normal(0, 2, total), "dzerr": draw.exponential(0.5, total),
        "charge": draw.choice([-1, 0, 1], total),
    }  # fmt: skip
    content = {f"part_{name}": ak.unflatten(v.astype("f4"), lengths) for name, v in parts.items()}
    kinds = draw.integers(0, 5, total)
    for number, name in enumerate(["ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon"]):
        content[f"part_is{name}"] = ak.unflatten((kinds == number).astype("i4"), lengths)
    for name in JETCLASS_LABELS:
        dtype = "f4" if name == "QCD" else "?" if name.startswith("H") else "i4"
        content[f"label_{name}"] = np.full(n, name == label, dtype)
    jet |= {
        "energy": jet["pt"] * np.cosh(jet["eta"]) + 1,
        "nparticles": lengths,
        "sdmass": draw.normal(20 + 15 * k, 5, n),
    }
    jet |= {f"tau{j}": draw.uniform(0.1, 1, n) for j in range(1, 5)}
    content |= {f"jet_{name}": np.asarray(v).astype("f4") for name, v in jet.items()}
    content |= {f"aux_genpart_{name}": draw.normal(size=n).astype("f4") for name in ("eta", "phi", "pid", "pt")}
    return content | {"aux_truth_match": np.ones(n, "f4")}


def jetclass(data: Path) -> Truth:
    """ROOT, TTree `tree`: a file for each kind of jet in each of three folders."""
    truth = Truth({split: [n] * 10 for split, (_, _, n) in JETCLASS_PARTS.items()})
    for number, (split, (folder, suffix, n)) in enumerate(JETCLASS_PARTS.items()):
        (data / folder).mkdir(parents=True)
        for kind, label in JETCLASS_FILES.items():
            content = jetclass_tree(np.random.default_rng([number, JETCLASS_LABELS.index(label)]), n, label)
            with uproot.recreate(data / folder / f"{kind}_{suffix}.root") as file:
                file["tree"] = content
            truth.content[f"{split} {label}"] = content
    return truth


def top_tagging(data: Path) -> Truth:
    """pandas in HDF5, key `table`: E_0, PX_0, PY_0, PZ_0 to _199, zeros behind the last particle, hardest first."""
    data.mkdir(parents=True)
    truth = Truth({})
    for number, (split, n) in enumerate((("train", 120), ("val", 40), ("test", 60))):
        draw = np.random.default_rng(number)
        label = draw.integers(0, 2, n)
        exists = np.arange(200) < draw.integers(5, np.where(label == 1, 60, 25))[:, None]
        pt = np.where(exists, -np.sort(-draw.exponential(size=exists.shape), axis=1) * 20 + 0.01, 0)
        spread = np.where(label == 1, 0.3, 0.1)[:, None]
        eta = draw.uniform(-1.5, 1.5, n)[:, None] + draw.normal(size=exists.shape) * spread
        phi = draw.uniform(-np.pi, np.pi, n)[:, None] + draw.normal(size=exists.shape) * spread
        momenta = {"E": pt * np.cosh(eta), "PX": pt * np.cos(phi), "PY": pt * np.sin(phi), "PZ": pt * np.sinh(eta)}
        columns = {f"{name}_{k}": momenta[name][:, k].astype("f4") for k in range(200) for name in momenta}
        columns |= {f"truth{name}": draw.normal(size=n).astype("f4") for name in momenta}
        columns |= {"ttv": np.full(n, number), "is_signal_new": label}
        pd.DataFrame(columns).to_hdf(data / f"{split}.h5", key="table", format="table", complevel=5)
        truth.counts[split] = np.bincount(label, minlength=2).tolist()
        truth.content[split] = {name: np.stack([columns[f"{name}_{k}"] for k in range(200)], 1) for name in momenta}
    truth.__post_init__()
    return truth


def quark_gluon(data: Path) -> Truth:
    """NPZ: X (jets, particles, 4) of pt, rapidity, azimuth and PDG id, zeros behind the last particle; y, 1 for quarks.

    Files have different numbers of places; azimuths are within pi of the jet's, and so may be above 2 pi.
    """
    data.mkdir(parents=True)
    truth = Truth({})
    kinds = [22, 211, -211, 321, -321, 130, 2212, -2212, 2112, -2112, 11, -11, 13, -13]
    for split, name, n, places in (
        ("train", "QG_jets", 120, 40),
        ("val", "QG_jets_16", 40, 37),
        ("test", "QG_jets_18", 60, 42),
    ):
        draw = np.random.default_rng(places)
        y = draw.integers(0, 2, n)
        exists = np.arange(places) < draw.integers(4, np.where(y == 0, 37, 20))[:, None]
        parts = [
            draw.exponential(10, exists.shape) + 0.1,
            draw.uniform(-1.7, 1.7, n)[:, None] + draw.normal(0, 0.15, exists.shape),
            draw.uniform(0, 2 * np.pi, n)[:, None] + draw.normal(0, 0.15, exists.shape),
            draw.choice(kinds, exists.shape).astype(float),
        ]
        X = np.stack(parts, axis=2) * exists[:, :, None]
        np.savez_compressed(data / f"{name}.npz", X=X, y=y.astype(float))
        truth.counts[split], truth.content[split] = np.bincount(y, minlength=2).tolist(), X
    truth.__post_init__()
    return truth
