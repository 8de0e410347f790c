"""Small files in the layouts of data sets that many people start from, of random numbers."""

from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import uproot

N = 120
LABELS = ["QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl"]
KINDS = {"HToBB": "Hbb", "TTBar": "Tbqq", "ZJetsToNuNu": "QCD"}


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def existing(longest: int, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Lengths (n,), and which elements exist (n, longest)."""
    lengths = rng().integers(3, longest, n)
    return lengths, np.arange(longest) < lengths[:, None]


def jetclass(folder: Path) -> list[Path]:
    """A TTree in a file for each class: part_* lists, label_* of three types, aux_*."""
    draw, paths = rng(), []
    for kind, label in KINDS.items():
        lengths = draw.integers(1, 20, N)

        def elements(values, lengths=lengths):
            return ak.unflatten(values, lengths)

        total = lengths.sum()
        content: dict = {}
        for name in ["px", "py", "pz", "energy", "deta", "dphi", "d0val", "d0err", "dzval", "dzerr", "charge"]:
            content[f"part_{name}"] = elements(draw.normal(size=total).astype(np.float32))
        for name in ["ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon"]:
            content[f"part_is{name}"] = elements(draw.integers(0, 2, total).astype(np.int32))
        for name in LABELS:
            dtype = np.float32 if name == "QCD" else bool if name.startswith("H") else np.int32
            content[f"label_{name}"] = np.full(N, name == label, dtype)
        for name in ["pt", "eta", "phi", "energy", "nparticles", "sdmass", "tau1", "tau2", "tau3", "tau4"]:
            content[f"jet_{name}"] = draw.exponential(size=N).astype(np.float32) + 0.1
        for name in ["eta", "phi", "pid", "pt"]:
            content[f"aux_genpart_{name}"] = draw.normal(size=N).astype(np.float32)
        content["aux_truth_match"] = draw.integers(0, 2, N).astype(np.float32)
        path = folder / f"{kind}_000.root"
        with uproot.recreate(path) as file:
            file["tree"] = content
        paths.append(path)
    return paths


def top_tagging(folder: Path) -> list[Path]:
    """pandas in HDF5: E_0, PX_0, ... padded with zeros, in a file for each split."""
    paths = []
    for number, split in enumerate(("train", "val", "test")):
        draw, (_, exists) = rng(), existing(20)
        values = {q: np.where(exists, draw.exponential(size=exists.shape) + 0.1, 0) for q in ("E", "PX", "PY", "PZ")}
        columns = {f"{q}_{k}": values[q][:, k].astype(np.float32) for k in range(20) for q in values}
        columns |= {f"truth{q}": draw.normal(size=N).astype(np.float32) for q in ("E", "PX", "PY", "PZ")}
        columns |= {"ttv": np.full(N, number), "is_signal_new": draw.integers(0, 2, N)}
        paths.append(folder / f"{split}.h5")
        pd.DataFrame(columns).to_hdf(paths[-1], key="table", format="table")
    return paths


def quark_gluon(folder: Path) -> list[Path]:
    """NPZ: X (n, M, 4), padded with zeros, and y."""
    draw, (_, exists) = rng(), existing(30)
    parts = [draw.exponential(size=exists.shape), draw.normal(size=exists.shape), draw.uniform(0, 6, exists.shape)]
    parts.append(draw.choice([211.0, 22.0, -211.0, 130.0], exists.shape))
    np.savez(
        folder / "QG_jets.npz", X=np.where(exists[..., None], np.stack(parts, -1), 0), y=draw.integers(0, 2, N) * 1.0
    )
    return [folder / "QG_jets.npz"]


def atlas_dumper(folder: Path) -> list[Path]:
    """Compound datasets jets (n,) and tracks (n, 40) with a valid flag; NaN, -1 and 0 behind the last track."""
    draw, (_, exists) = rng(), existing(40)
    floats = ["pt", "eta", "mass", "pt_btagJes", "eta_btagJes"]
    whole = ["HadronConeExclTruthLabelID", "flavour_label"]
    jets = np.zeros(N, [(name, "f4") for name in floats] + [(name, "i4") for name in whole] + [("eventNumber", "i8")])
    for name in floats:
        jets[name] = draw.exponential(size=N) * 50_000
    jets["flavour_label"] = draw.integers(0, 3, N)
    jets["HadronConeExclTruthLabelID"] = np.asarray([5, 4, 0])[jets["flavour_label"]]
    jets["eventNumber"] = np.arange(N) // 2
    of_tracks = ["d0", "z0SinTheta", "dphi", "deta", "qOverP", "lifetimeSignedD0Significance"]
    tracks = np.zeros(
        exists.shape,
        [(name, "f4") for name in of_tracks]
        + [("numberOfPixelHits", "u1"), ("leptonID", "i1"), ("ftagTruthOriginLabel", "i4"), ("valid", "?")],
    )
    for name in of_tracks:
        tracks[name] = np.where(exists, draw.normal(size=exists.shape), np.nan)
    tracks["numberOfPixelHits"] = np.where(exists, draw.integers(0, 5, exists.shape), 0)
    tracks["leptonID"] = np.where(exists, draw.choice([0, 11, 13], exists.shape), -1)
    tracks["ftagTruthOriginLabel"] = np.where(exists, draw.integers(0, 8, exists.shape), -1)
    tracks["valid"] = exists
    with h5py.File(folder / "pp_output_train.h5", "w") as file:
        file["jets"], file["tracks"] = jets, tracks
        file["cutBookkeeper/nominal/counts"] = np.zeros((), [("count", "i8"), ("sum", "f8"), ("sum2", "f8")])
        file["jets"].attrs["flavour_label"] = ["bjets", "cjets", "ujets"]
    return [folder / "pp_output_train.h5"]


def salt_tutorial(folder: Path) -> list[Path]:
    """Compound datasets jets (n,) and consts (n, 50) with a valid flag and labels of each constituent."""
    draw, (_, exists) = rng(), existing(50)
    jets = np.zeros(N, [("pt", "f4"), ("eta", "f4"), ("flavour_label", "i4")])
    jets["pt"], jets["eta"] = draw.exponential(size=N), draw.normal(size=N)
    jets["flavour_label"] = draw.integers(0, 3, N)
    names = ["d0", "z0", "phi_rel", "eta_rel", "dr", "pt_frac", "charge", "signed_2d_ip", "signed_3d_ip"]
    consts = np.zeros(
        exists.shape,
        [(n, "f4") for n in names] + [("valid", "?"), ("truth_origin_label", "i4"), ("truth_vertex_idx", "i4")],
    )
    for name in names:
        consts[name] = np.where(exists, draw.normal(size=exists.shape), 0)
    consts["valid"] = exists
    with h5py.File(folder / "tutorial.h5", "w") as file:
        file["jets"], file["consts"] = jets, consts
    return [folder / "tutorial.h5"]


def atlas_top(folder: Path) -> list[Path]:
    """Plain arrays fjet_clus_* (n, M) and fjet_*, labels, weights."""
    draw, (_, exists) = rng(), existing(30)
    with h5py.File(folder / "top.h5", "w") as file:
        for name in ("pt", "eta", "phi", "E"):
            file[f"fjet_clus_{name}"] = np.where(exists, draw.exponential(size=exists.shape) + 0.1, 0).astype("f4")
        for name in ("pt", "eta", "phi", "m"):
            file[f"fjet_{name}"] = draw.exponential(size=N).astype("f4")
        file["labels"], file["weights"] = draw.integers(0, 2, N).astype("i4"), draw.exponential(size=N)
    return [folder / "top.h5"]


def aspen_open_jets(folder: Path) -> list[Path]:
    """One array PFCands (n, M, 11), without any label."""
    draw, (_, exists) = rng(), existing(30)
    with h5py.File(folder / "RunG_batch0.h5", "w") as file:
        file["PFCands"] = np.where(exists[..., None], draw.normal(size=(*exists.shape, 11)), 0).astype("f4")
    return [folder / "RunG_batch0.h5"]


def galaxy10(folder: Path) -> list[Path]:
    """Images (n, H, W, 3) of bytes, with numbers of classes."""
    draw = rng()
    with h5py.File(folder / "Galaxy10_DECals.h5", "w") as file:
        file["images"], file["ans"] = draw.integers(0, 256, (N, 32, 32, 3), np.uint8), np.arange(N) % 3
        for name in ("ra", "dec", "redshift", "pxscale"):
            file[name] = draw.uniform(size=N)
    return [folder / "Galaxy10_DECals.h5"]


def higgs(folder: Path) -> list[Path]:
    """CSV without names: the label, and 28 numbers."""
    draw = rng()
    columns = [draw.integers(0, 2, N), *draw.exponential(size=(28, N))]
    np.savetxt(folder / "HIGGS.csv", np.column_stack(columns), delimiter=",", fmt="%.18e")
    return [folder / "HIGGS.csv"]


def higgsml(folder: Path) -> list[Path]:
    """CSV with EventId, Weight and Label; -999 where a number is not defined."""
    draw = rng()
    columns: dict = {"EventId": np.arange(100_000, 100_000 + N)}
    for k in range(13):
        undefined = draw.random(N) < (0.2 if k % 4 == 0 else 0)
        columns[f"DER_{'abcdefghijklm'[k]}"] = np.where(undefined, -999.0, draw.exponential(size=N) * 80)
    columns |= {f"PRI_{name}": draw.normal(size=N) for name in ("tau_eta", "lep_phi", "met")}
    columns["PRI_jet_num"] = draw.integers(0, 4, N)
    columns |= {"Weight": draw.exponential(size=N), "Label": draw.choice(["s", "b"], N)}
    pd.DataFrame(columns).to_csv(folder / "training.csv", index=False)
    return [folder / "training.csv"]


ALL = {
    f.__name__: f
    for f in (jetclass, top_tagging, quark_gluon, atlas_dumper, salt_tutorial, atlas_top, aspen_open_jets, galaxy10,
              higgs, higgsml)
}  # fmt: skip
