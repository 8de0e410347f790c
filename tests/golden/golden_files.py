"""Tiny files of other people's formats, for the sources that read them; their numbers follow from integers alone."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
from golden_events import cut, drawn

from bevatron.simulate.sources.cifar10 import TEST, TRAIN
from bevatron.simulate.sources.digits import FILES
from bevatron.simulate.sources.nanoaod import ENERGY_FRACTIONS, KINEMATICS, VERTEX


def mnist(folder: Path) -> Path:
    for part, n in (("train", 8), ("test", 4)):
        images = drawn(f"pictures of {part}", n, 6, 5, high=256).astype(np.uint8)
        labels = drawn(f"labels of {part}", n, high=10).astype(np.uint8)
        for name, array in zip(FILES[part], (images, labels), strict=True):
            head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (folder / f"{name}.gz").write_bytes(gzip.compress(head + array.tobytes()))
    return folder


def cifar(folder: Path) -> Path:
    for name in (*TRAIN, TEST):
        records = drawn(name, 3, 3073, high=256).astype(np.uint8)
        records[:, 0] %= 10
        (folder / name).write_bytes(records.tobytes())
    return folder


def jet_flavour_lines(folder: Path) -> Path:
    lines = []
    for jet in range(12):
        tracks = []
        for track in range(jet % 5):
            of = drawn(f"track {jet} {track}", 28, low=0.01).tolist()
            of[3] = 3.0 * of[3]  # theta
            vertex = [*of[21:26], track, of[27]]
            tracks.append([of[:5], of[5:20], [of[20]], vertex if track else ["NaN"] * 7])
        by_tracks = [4.0, "-inf", 1.0, 0.5, 2, 0.01, *drawn(f"jet {jet}", 2).tolist()]
        kinematics = drawn(f"kinematics {jet}", 2, low=1, high=3).tolist()
        lines.append(
            [20 * kinematics[0], kinematics[1], (0, 4, 5)[jet % 3], by_tracks, [7.0, 1, 3, 0.02, 1.8, 0.5], tracks]
        )
    path = folder / "jets.json.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    return path


def nanoaod(folder: Path) -> Path:
    import awkward as ak
    import uproot

    n, path = 40, folder / "nano.root"
    jets, vertices = np.diff(cut("jets", n, 5)), np.diff(cut("vertices", n, 3))
    ranges = {"pt": (10, 200), "eta": (-3, 3), "phi": (-3.14, 3.14), "mass": (1, 20)}

    def lists(prefix: str, name: str, counts: np.ndarray) -> object:
        low, high = ranges.get(name, (0.0, 9.0 if prefix == "SV" else 1.0))
        return ak.unflatten(drawn(f"{prefix}_{name}", counts.sum(), low=low, high=high).astype(np.float32), counts)

    branches = {"event": np.arange(n, dtype=np.uint64)}
    branches |= {f"Jet_{k}": lists("Jet", k, jets) for k in (*KINEMATICS, "nConstituents", "area", *ENERGY_FRACTIONS)}
    flavours = np.array([0, 4, 5], np.uint8)[drawn("flavour", jets.sum(), high=3).astype(int)]
    matched = drawn("matched", jets.sum(), low=-1, high=3)
    branches["Jet_hadronFlavour"] = ak.unflatten(flavours, jets)
    branches["Jet_genJetIdx"] = ak.unflatten(np.floor(matched).astype(np.int16), jets)
    branches |= {f"SV_{k}": lists("SV", k, vertices) for k in VERTEX}
    with uproot.recreate(path) as file:
        kinds = {k: c.dtype if isinstance(c, np.ndarray) else c.type.content for k, c in branches.items()}
        file.mktree("Events", kinds)
        file["Events"].extend(branches)
    return path


def hepmc(folder: Path) -> Path:
    """Events of two narrow bundles of pions; a B and a D meson decay within them, some mm away."""
    import pyhepmc

    path = folder / "events.hepmc3"
    with pyhepmc.open(str(path), "w") as file:
        for number in range(12):
            event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            event.event_number = number
            beams = [pyhepmc.GenParticle((0, 0, side * 6500.0, 6500.0), 2212, 4) for side in (1, -1)]
            collision = pyhepmc.GenVertex()
            decays = []  # a vertex lives only as long as something here holds it
            for beam in beams:
                collision.add_particle_in(beam)
            for side, code in ((0, 521), (1, -411)):
                eta, phi = drawn(f"axis {number} {side}", 2, low=-1.5, high=1.5)
                meson = _particle(20.0, eta, phi + 3.0 * side, 5.0 if side == 0 else 1.9, code, 2)
                collision.add_particle_out(meson)
                direction = np.array([np.cos(phi + 3.0 * side), np.sin(phi + 3.0 * side), np.sinh(eta)])
                decay = pyhepmc.GenVertex((*(2.0 * direction), 3.0))
                decay.add_particle_in(meson)
                for k in range(8):
                    pt, away, turn = drawn(f"pion {number} {side} {k}", 3)
                    code = 22 if k == 7 else 211 if k % 2 else -211
                    pion = _particle(
                        2 + 5 * pt, eta + 0.3 * away, phi + 3.0 * side + 0.3 * turn, 0.14 * (k < 7), code, 1
                    )
                    (decay if k < 4 else collision).add_particle_out(pion)
                decays.append(decay)
            event.add_tree(beams)
            file.write(event)
    return path


def _particle(pt: float, eta: float, phi: float, mass: float, code: int, status: int) -> object:
    import pyhepmc

    px, py, pz = (float(pt * f) for f in (np.cos(phi), np.sin(phi), np.sinh(eta)))
    return pyhepmc.GenParticle((px, py, pz, float(np.sqrt(px * px + py * py + pz * pz + mass * mass))), code, status)


def table_hdf5(folder: Path) -> Path:
    """Compound datasets with padding, as in ATLAS's files."""
    import h5py

    n, places = 40, 6
    jets = np.zeros(n, [("pt", "f4"), ("eta", "f8"), ("label", "i4"), ("event", "i8")])
    jets["pt"], jets["eta"] = drawn("table pt", n, low=20, high=200), drawn("table eta", n, low=-2, high=2)
    jets["label"], jets["event"] = np.array([0, 4, 5, 15])[np.arange(n) % 4], np.arange(n) // 2
    tracks = np.zeros((n, places), [("d0", "f4"), ("hits", "u1"), ("valid", "?")])
    tracks["valid"] = np.arange(places) < np.diff(cut("table", n, places))[:, None]
    tracks["d0"] = np.where(tracks["valid"], drawn("table d0", n, places, low=-1), np.nan)
    tracks["hits"] = drawn("table hits", n, places, high=9)
    with h5py.File(folder / "table.h5", "w") as file:
        file["jets"], file["tracks"] = jets, tracks
    return folder / "table.h5"


def table_csv(folder: Path) -> Path:
    lines = ["event,mass,label"]
    masses = np.round(drawn("table mass", 30, high=200), 3)
    masses[::4] = -999
    lines += [f"{k},{mass},{'sb'[k % 2]}" for k, mass in enumerate(masses.tolist())]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "table.csv"


def table_npz(folder: Path) -> Path:
    np.savez(folder / "table.npz", images=drawn("table images", 8, 4, 5, 3, high=256).astype(np.uint8), y=np.arange(8))
    return folder / "table.npz"
