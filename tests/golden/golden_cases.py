"""For each source and recipe the small samples of which a golden file tells; a new component gets its lines here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import golden_events as events
import golden_files as files
import numpy as np

from bevatron.config.loading.kinds import RECIPES, SOURCES
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Samples

FOLDER = Path(__file__).parent / "values"
SLOW = ("source lartpc",)  # their compilation takes half a minute
GENERATORS = ("pythia8mc", "galsim", "calzone", "geant4")  # of another version, their events are others
SEED = 5

Settings = Callable[[Path], dict[str, Any]]


def path_of(component: str) -> Path:
    return FOLDER / f"{component.replace(' ', '_')}.json"


def components() -> list[str]:
    """Every source and recipe of Bevatron, as 'source jets'."""
    return [f"{registry.word} {name}" for registry in (SOURCES, RECIPES) for name in registry.names()]


def class_of(component: str) -> type:
    word, name = component.split()
    return {"source": SOURCES, "recipe": RECIPES}[word][name]


def made(component: str, folder: Path) -> dict[str, Samples]:
    """The samples of each of the component's cases; KeyError for one without cases."""
    word, name = component.split()
    found, cases = class_of(component), (SOURCE_CASES if word == "source" else RECIPE_CASES)[name]
    if word == "source":
        seed = ShardSeed(own=SEED, study=SEED, shard=0)
        return {
            case: found().simulate(found.Options.model_validate({"kind": name, **settings(folder)}), 0, seed)[0]
            for case, settings in cases.items()
        }
    samples = {}
    for case, (raw, settings) in cases.items():
        events = raw()
        training = np.arange(len(events)) % 4 > 0
        samples[case] = found().prepare(
            found.Options.model_validate({"kind": name, **settings}), events, SEED, training
        )
    return samples


GUN = {"particles": ["electron", "photon", "muon", "proton"], "kinetic_energy": [50, 200]}
SMALL = {"low": [0, -50, 0], "high": [100, 50, 120]}
JETS_OF_A_TABLE = {
    "selection": "jets.pt > 30",
    "test_selection": "jets.pt > 60",
    "derived": {"log_pt": "log(jets.pt)"},
    "groups": {
        "jet": {"features": {"log_pt": "log_pt", "eta": "jets.eta"}, "units": {"log_pt": "log(GeV)"}},
        "tracks": {
            "layout": "list",
            "features": {"d0": "tracks.d0", "hits": "tracks.hits", "of_jet": "tracks.d0 * jets.eta"},
            "exists": "tracks.valid",
            "select": "tracks.hits > 1",
            "order_by": "-abs(tracks.d0)",
            "max_length": 4,
        },
    },
    "targets": {
        "flavour": {"classes": {"b": "jets.label == 5", "light": "jets.label == 0"}, "others": "drop"},
        "pt": {"value": "jets.pt"},
        "both": {"values": ["jets.pt", "jets.eta"]},
        "marks": {"labels": {"central": "abs(jets.eta) < 1", "hard": "jets.pt > 100"}},
    },
    "weight": "1 + abs(jets.eta)",
    "id": ["jets.label", "jets.event"],
    "observers": {"pt": "jets.pt", "event": "jets.event"},
}
ROWS_OF_A_TABLE = {
    "groups": {"event": {"features": ["mass"]}},
    "missing": {"event.mass": {"policy": "mean", "values": [-999]}},
    "targets": {"label": {"classes": {"b": "label == 'b'", "s": "label == 's'"}}},
    "id": "event",
}
IMAGES_OF_A_TABLE = {
    "groups": {"image": {"layout": "image", "column": "images", "channels": "last", "scale": 1 / 255}},
    "targets": {"y": {"value": "y"}},
}

SOURCE_CASES: dict[str, dict[str, Settings]] = {
    "function": {
        "points": lambda folder: {"train": 40, "val": 10, "test": 20},
        "three variables": lambda folder: {"train": 40, "val": 10, "test": 20, "variables": 3, "low": 0, "high": 1},
    },
    "gaussians": {"three classes": lambda folder: {"classes": 3, "train": 20, "val": 5, "test": 10}},
    "digits": {
        "shipped": lambda folder: {},
        "files": lambda folder: {"folder": str(files.mnist(folder)), "validation": 3},
    },
    "shapes": {
        "shapes": lambda folder: {"events": 20},
        "clean": lambda folder: {"events": 10, "noise": 0, "clutter": 0},
    },
    "resonances": {
        "two": lambda folder: {"events": 40},
        "one": lambda folder: {"events": 20, "masses": [3.0], "products": [0.5, 0.1], "signal": 0.8},
    },
    "cifar10": {"files": lambda folder: {"folder": str(files.cifar(folder)), "validation": 4}},
    "strokes": {
        "few orientations": lambda folder: {"train": 12, "val": 4, "test": 8, "orientations": 3, "side": 9, "own": 2},
        "lines alone": lambda folder: {"train": 10, "val": 2, "test": 4, "edges": 0.0, "others": 0},
    },
    "sky": {
        "exponential": lambda folder: {"events": 6},
        "sersic": lambda folder: {"events": 4, "profile": "sersic", "size": 24},
    },
    "transients": {
        "default": lambda folder: {"events": 6},
        "five exposures": lambda folder: {"events": 4, "exposures": 5, "size": 16, "stars": 4},
    },
    "tracker": {
        "default": lambda folder: {"events": 40},
        "straight": lambda folder: {"events": 20, "field": 0.0, "layers": 5, "size": 16, "noise": 0.0},
    },
    "copulas": {
        "default": lambda folder: {"events": 12},
        "two features": lambda folder: {"events": 9, "points": 20, "features": 2, "crossed": 0.8},
    },
    "jets": {
        "with further interactions": lambda folder: {"events": 6},
        "amid pile-up": lambda folder: {
            "events": 3,
            "pile_up": 8.0,
            "pile_up_pool": 20,
            "track_truth": True,
            "processes": {"light": ["HardQCD:all = on"]},
        },
    },
    "hepmc": {"file": lambda folder: {"files": [str(files.hepmc(folder))]}},
    "nanoaod": {"file": lambda folder: {"files": [str(files.nanoaod(folder))]}},
    "jet_flavour_jsonl": {"file": lambda folder: {"files": [str(files.jet_flavour_lines(folder))]}},
    "lartpc": {
        "gun": lambda folder: {"events": 8, "box": SMALL, "gun": GUN},
        "neutrinos": lambda folder: {
            "events": 4,
            "box": SMALL,
            "neutrinos": {"fraction": 0.5},
            "cosmics": {"scale": 2},
        },
    },
    "geant4": {"gun": lambda folder: {"events": 8, "box": SMALL, "gun": GUN}},
    "table": {
        "HDF5": lambda folder: {"files": [str(files.table_hdf5(folder))], **JETS_OF_A_TABLE},
        "CSV": lambda folder: {"files": [str(files.table_csv(folder))], **ROWS_OF_A_TABLE},
        "NPZ": lambda folder: {"files": [str(files.table_npz(folder))], **IMAGES_OF_A_TABLE},
    },
}

CLOUDS = {
    "equal": {"means": [[-1, 0], [1, 0], [0, 2]], "covariances": [[[1, 0.3], [0.3, 2]]]},
    "unequal": {
        "means": [[-1, 0], [1, 0], [0, 2]],
        "covariances": [[[1, 0.3], [0.3, 2]], [[2, 0], [0, 1]], [[1, 0], [0, 1]]],
    },
}
VERSIONS = {"grey": {"grey": True}, "thin": {"threshold": 0.6}, "coarse": {"averaged": 2, "inverted": True}}
IMAGES = {"fine": {}, "coarse": {"rebin": 2, "planes": ["y"]}, "mixed": {"permuted": True}}

RECIPE_CASES: dict[str, dict[str, tuple[Callable[[], Samples], dict[str, Any]]]] = {
    "function": {"two noises": (events.draws, {"noise": {"y": 5.0, "loud": 20.0}})},
    "functions": {"value and region": (events.draws, {"functions": {"sine": "sin(pi * x)", "inside": "abs(x) < 5"}})},
    "gaussians": {"two pairs": (lambda: events.draws(3), {"clouds": CLOUDS})},
    "regions": {"both": (lambda: events.draws(2), {"shapes": {"xor": {"kind": "xor"}, "ring": {"kind": "ring"}}})},
    "resonances": {"frames": (events.two_frames, {})},
    "images": {"versions": (events.coloured, {"versions": VERSIONS})},
    "noisy_images": {
        "two groups": (
            events.strokes,
            {"images": {"quiet": {"of": "sparse", "enlarged": 2}, "loud": {"of": "dense", "noise": 0.5}}},
        ),
    },
    "sky": {
        "pairs": (events.skies, {}),
        "rebinned": (events.skies, {"rebin": 2}),
        "mixed": (events.skies, {"kinds": "mixed", "scale": 30.0}),
        "clean": (events.skies, {"kinds": "mixed", "clean": True}),
    },
    "transients": {"default": (events.exposures, {}), "centre": (events.exposures, {"search_radius": 2.0})},
    "tracker": {"default": (events.layers, {})},
    "histograms": {
        "all features": (events.points, {"bins": 8}),
        "two": (events.points, {"features": ["x3", "x1"], "bins": 5, "ranges": {"x3": [-1.0, 2.0]}}),
    },
    "nanoaod_jets": {"jets": (events.nano, {})},
    "jet_flavour": {"jets": (events.published_jets, {})},
    "jets": {"all": (events.collisions, {"resampling": None}), "resampled": (events.collisions, {})},
    "jets_modern": {
        "all": (events.collisions_amid_others, {"resampling": None}),
        "alone": (lambda: events.collisions_amid_others(others=0), {"resampling": None, "max_tracks": 5}),
        "resampled": (events.collisions_amid_others, {"resampling": {"pt_borders": [45.0], "eta_borders": [1.0]}}),
    },
    "lartpc": {
        "around charge": (events.argon, {"images": IMAGES, "window": {"size": 128, "shift": 8}}),
        "interaction": (
            events.argon,
            {"images": IMAGES, "window": {"size": 128, "shift": 8}, "boxes": {"around": "interaction"},
             "electronics": {"dead_fraction": 0.0}},
        ),
        "waveforms": (
            events.argon,
            {"images": IMAGES, "window": {"size": 128, "shift": 8}, "response": {"signal": "waveform"},
             "electronics": {"noise": 0.4, "coherent_noise": 0.2, "threshold": 1.0},
             "space_charge": {"displacement": 13.0}},
        ),
    },
    "table": {"rows": (events.rows_of_a_table, {})},
}  # fmt: skip
