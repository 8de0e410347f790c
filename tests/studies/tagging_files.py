"""Small files of jets with tracks, in the layouts of UPP and of salt's tutorial."""

from pathlib import Path

import h5py
import numpy as np
from written_truth import Truth

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
        for v, top in (("truth_origin_label", 8), ("truth_vertex_idx", 4)):
            consts[v] = np.where(exists, draw.integers(0, top, exists.shape), -1)
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
