"""Small files of exactly the layouts of public data sets, in the folders where the ready studies look for them.

Names, types, shapes, padding and attributes are those of the published files; the numbers are drawn, with a signal that
can be learned. Each writer returns what the study must find: for each split, how many samples of each class.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import uproot
from layouts import LABELS as JETCLASS_LABELS

SPLITS = ("train", "val", "test")


@dataclass
class Truth:
    """counts: by split, the samples of each class in the study's order; empty: the study divides by a hash of the id.
    totals: the samples of each class in all splits. content: what was written, by a name for each file.
    """

    counts: dict[str, list[int]]
    content: dict[str, Any] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.totals = self.totals or np.sum(list(self.counts.values()), axis=0).tolist()


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


ATLAS_TRACK_FLOATS = [
    "d0", "z0SinTheta", "dphi", "deta", "qOverP", "phiUncertainty", "thetaUncertainty", "qOverPUncertainty",
    "lifetimeSignedD0Significance", "lifetimeSignedZ0SinThetaSignificance",
]  # fmt: skip
ATLAS_LAYERS = [
    "Pixel", "SCT", "InnermostPixelLayer", "NextToInnermostPixelLayer", "InnermostPixelLayerShared",
    "InnermostPixelLayerSplit", "PixelShared", "PixelSplit", "SCTShared",
]  # fmt: skip
ATLAS_TRACK_HITS = [f"numberOf{name}Hits" for name in ATLAS_LAYERS]


def atlas_flavour(data: Path) -> Truth:
    """UPP's HDF5: jets (n,) and tracks (n, 40), NaN, -1 and 0 where there is no track; MeV; names of classes."""
    data.mkdir(parents=True)
    truth = Truth({})
    for number, (split, name, n) in enumerate(
        (("train", "train", 150), ("val", "val", 50), ("test", "test_ttbar", 80))
    ):
        draw = np.random.default_rng(number)
        flavour = draw.choice([0, 4, 5, 15], n, p=[0.3, 0.3, 0.3, 0.1])
        jets = np.zeros(n, [
            *((v, "f4") for v in ("pt", "eta", "mass", "pt_btagJes", "eta_btagJes")),
            ("HadronConeExclTruthLabelID", "i4"), ("flavour_label", "i4"), ("eventNumber", "i8"),
        ])  # fmt: skip
        for v in ("pt", "pt_btagJes", "mass"):
            jets[v] = draw.exponential(40_000, n) + 20_000
        jets["eta"] = jets["eta_btagJes"] = draw.uniform(-2.5, 2.5, n)
        jets["HadronConeExclTruthLabelID"] = flavour
        jets["flavour_label"] = np.select([flavour == 5, flavour == 4, flavour == 0], [0, 1, 2], 3)
        jets["eventNumber"] = np.arange(n)
        exists = np.arange(40) < draw.integers(0, 15, n)[:, None]
        tracks = np.zeros((n, 40), [
            *((v, "f4") for v in ATLAS_TRACK_FLOATS), *((v, "u1") for v in ATLAS_TRACK_HITS), ("leptonID", "i1"),
            ("ftagTruthOriginLabel", "i4"), ("ftagTruthVertexIndex", "i4"), ("valid", "?"),
        ])  # fmt: skip
        for v in ATLAS_TRACK_FLOATS:
            tracks[v] = np.where(exists, draw.normal(size=exists.shape) + (flavour == 5)[:, None] * 2, np.nan)
        for v in ATLAS_TRACK_HITS:
            tracks[v] = np.where(exists, draw.integers(0, 6, exists.shape), 0)
        for v, top in (("leptonID", 2), ("ftagTruthOriginLabel", 8), ("ftagTruthVertexIndex", 5)):
            tracks[v] = np.where(exists, draw.integers(0, top, exists.shape), -1)
        tracks["valid"] = exists
        with h5py.File(data / f"pp_output_{name}.h5", "w") as file:
            for key, values in (("jets", jets), ("tracks", tracks)):
                file.create_dataset(key, data=values, compression="lzf", chunks=(50, *values.shape[1:]))
            file.attrs["unique_jets"], file.attrs["config"] = n, "{}"
            file["jets"].attrs["flavour_label"] = ["bjets", "cjets", "ujets", "taujets"]
        truth.counts[split] = [int((flavour == label).sum()) for label in (0, 4, 5)]
        truth.content[split] = {"jets": jets, "tracks": tracks}
    (data / "norm_dict.yaml").write_text("jets: {pt: {mean: 0.0, std: 1.0}}\n")
    (data / "class_dict.yaml").write_text("jets: {flavour_label: [1.0, 1.0, 1.0]}\n")
    truth.__post_init__()
    return truth


def salt_tutorial(data: Path) -> Truth:
    """salt's open tutorial data: jets (n,), consts (n, 50) with a flag `valid`, hadrons (n, 5) that nobody reads."""
    data.mkdir(parents=True)
    truth = Truth({})
    floats = ["d0", "z0", "phi_rel", "eta_rel", "dr", "pt_frac", "charge", "signed_2d_ip", "signed_3d_ip"]
    for number, (split, name, n) in enumerate(
        (("train", "train", 150), ("val", "val", 50), ("test", "test_ttbar", 80))
    ):
        draw = np.random.default_rng(number)
        flavour = draw.choice([0, 4, 5], n)
        jets = np.zeros(n, [("pt", "f4"), ("eta", "f4"), ("flavour", "i4"), ("flavour_label", "i4")])
        jets["pt"], jets["eta"], jets["flavour"] = draw.uniform(20, 250, n), draw.normal(size=n), flavour
        jets["flavour_label"] = np.select([flavour == 5, flavour == 4], [0, 1], 2)
        exists = np.arange(50) < draw.integers(1, 30, n)[:, None]
        consts = np.zeros(exists.shape, [
            *((v, "f4") for v in floats), ("valid", "?"), ("truth_origin_label", "i4"), ("truth_vertex_idx", "i4"),
        ])  # fmt: skip
        for v in floats:
            consts[v] = np.where(
                exists, draw.normal(size=exists.shape) + (flavour == 5)[:, None] * ("ip" in v) * 3, np.nan
            )
        consts["valid"] = exists
        hadrons = np.zeros((n, 5), [("valid", "?"), ("flavour", "i4"), ("pt", "f4")])
        with h5py.File(data / f"pp_output_{name}.h5", "w") as file:
            for key, values in (("jets", jets), ("consts", consts), ("hadrons", hadrons)):
                file.create_dataset(key, data=values, compression="gzip", chunks=(50, *values.shape[1:]))
            file["jets"].attrs["flavour_label"] = ["bjets", "cjets", "ujets"]
        truth.counts[split] = [int((flavour == label).sum()) for label in (0, 4, 5)]
        truth.content[split] = {"jets": jets, "consts": consts}
    truth.__post_init__()
    return truth


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


WRITERS: dict[str, Callable[[Path], Truth]] = {
    f.__name__: f
    for f in (jetclass, top_tagging, quark_gluon, higgs, higgsml, atlas_flavour, salt_tutorial, microboone, galaxy10)
}
