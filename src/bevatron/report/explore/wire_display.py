"""What the display of a liquid-argon event shows: images of the wire planes, the truth, boxes, classes of pixels."""

from typing import Any

import numpy as np

from bevatron.report.explore.arrays import encode_array
from bevatron.report.explore.displayed import features_of, list_of
from bevatron.store.shards.contract import GroupInfo
from bevatron.store.shards.shard import Shard

PIXELS = 6_000  # of one image with all its planes, those with the largest content
PRIMARIES = 4  # particles of the truth that are named, those with the largest kinetic energy
NAMES = {
    11: "electron", -11: "positron", 13: "muon", -13: "antimuon", 22: "photon", 111: "π⁰", 211: "π⁺", -211: "π⁻",
    2212: "proton", 2112: "neutron", 12: "electron neutrino", -12: "electron antineutrino", 14: "muon neutrino",
    -14: "muon antineutrino", 321: "K⁺", -321: "K⁻",
}  # fmt: skip


def groups_shown(groups: dict[str, GroupInfo], permuted: set[str], first: str | None) -> list[str]:
    """The image group `first`, or the one with most planes; and the one with the finest pixels, if that is another.

    Groups with shuffled pixels are left out.
    """
    images = {name: info for name, info in groups.items() if info.layout == "sparse" and name not in permuted}
    if not images:
        return []
    most = (
        first if first in images else max(images, key=lambda name: (len(images[name].features), _pixels(images[name])))
    )
    finest = max(images, key=lambda name: (_pixels(images[name]), name == most))
    return list(dict.fromkeys([most, finest]))


def _pixels(info: GroupInfo) -> int:
    _, height, width = info.shape
    return height * width


def image_of(shard: Shard, group: str, row: int) -> dict[str, Any]:
    """The charged pixels of one sample: `index` in C order of (planes, time, wires) and `value` in the group's unit,
    as encoded arrays (k,); where the dataset has them also `true`, the class number of each, -1 for none.

    `stored`: how many pixels the sample has; `kept`: where fewer are shown, the places (k,) of those among them.
    """
    start, stop = (int(i) for i in shard.dataset(f"inputs/{group}/offsets")[row : row + 2])
    index = np.asarray(shard.dataset(f"inputs/{group}/index")[start:stop])
    value = np.asarray(shard.dataset(f"inputs/{group}/value")[start:stop], np.float32)
    kept = np.arange(len(index))
    if len(index) > PIXELS:
        kept = np.sort(np.argsort(-np.abs(value), kind="stable")[:PIXELS])
    image: dict[str, Any] = {
        "stored": len(index),
        "index": encode_array(index[kept]),
        "value": encode_array(_three_digits(value[kept])),
    }
    if len(kept) < len(index):
        image["kept"] = encode_array(kept)
    name = f"{group}_class"
    if name in shard.element_targets and shard.element_targets[name].group == group:
        labels = np.asarray(shard.dataset(f"element_targets/{name}")[start:stop])
        image["true"] = encode_array(labels[kept].astype(np.int8))
    return image


def _three_digits(values: np.ndarray) -> np.ndarray:
    """Rounded to three significant digits, as float32: what is not seen is not kept."""
    size = np.abs(values, dtype=np.float64)
    scale = 10.0 ** (2 - np.floor(np.log10(np.where(size > 0, size, 1.0))))
    return np.nan_to_num(np.round(values * scale) / scale).astype(np.float32)


def boxes_of(shard: Shard, target: str, row: int) -> list[list[float]]:
    """The true boxes of a sample: x1, y1, x2, y2 as fractions of the image's width and height, and the class number."""
    boxes = np.asarray(shard.dataset(f"targets/{target}")[row], np.float64)
    return np.round(boxes[boxes[:, 4] >= 0], 4).tolist()


def found_boxes(detections: np.ndarray, least: float) -> list[list[float]]:
    """Boxes that a network finds with a probability of `least` or more: corners as those of true boxes, the probability
    and the class number. detections (n_max, 6).
    """
    shown = detections[(detections[:, 4] >= least) & (detections[:, 5] >= 0)].astype(np.float64)
    return np.round(shown[np.argsort(-shown[:, 4], kind="stable")], 4).tolist()


def primaries_of(raw: Shard, row: int) -> str:
    """The true primary particles of an event with their kinetic energies, in words."""
    energies = list_of(raw, "inputs/primaries", row)[:, features_of(raw, "primaries").index("kinetic_energy")]
    codes = list_of(raw, "inputs/primary_ids", row)[:, 0].astype(int)
    order = np.argsort(-energies, kind="stable")
    named = [f"{NAMES.get(int(codes[k]), f'PDG {codes[k]}')} {energies[k]:.0f} MeV" for k in order[:PRIMARIES]]
    more = len(order) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
