"""What changes from image to image and says nothing of the class: place, size, rotation, light, clutter, noise."""

from dataclasses import dataclass, fields

import numpy as np

SIDE = 32  # pixels
CHANNELS = 3

# Ranges; brightness and chroma are such that no pixel leaves [0, 1], so that nothing has to be cut (`drawing`).
SIZE = (9.0, 15.0)  # square root of the object's area, pixels
DARK, BRIGHT = (0.24, 0.28), (0.34, 0.40)  # brightness of object and background, in either order
GRADIENT = 0.10  # largest change of the light from the centre to a side, as a fraction
SATURATION = (0.20, 0.45)  # length of the chroma vector of object and clutter
BACKGROUND_SATURATION = (0.0, 0.30)
WHITE_BALANCE = 0.15  # largest chroma that the whole image is shifted by
RELIEF = 0.25  # amplitude of textures, as a fraction of the brightness
BACKGROUND_RELIEF = 0.15
PERIOD = (4.0, 6.0)  # of textures, pixels
HUE_SPREAD = 0.35  # largest deviation of an object's hue from that of its class [rad]
CLUTTER_SIZE = (3.0, 6.0)  # square root of the area, pixels
NOISE_CUT = 3.0


@dataclass(frozen=True)
class Nuisances:
    """Of n images, with k pieces of clutter each. Lengths in pixels, angles in rad, brightness from 0 to 1.

    centre (n, 2): column and row; size, rotation, brightness, background_brightness, saturation, hue_shift (n,);
    light (n, 2): relative change of the light along columns and rows, from the centre to a side; white_balance (n, 2):
    length and angle of the chroma shift; background_chroma (n, 2): length and angle; texture (n, 3): angle, period and
    phase of the object's texture; background_texture (n, 4): the same and the amplitude; clutter (n, k, 6): column,
    row, size, brightness over that of the background, saturation, hue; noise (n, 3, side, side): standard normal, cut
    at three standard deviations, float32.
    """

    centre: np.ndarray
    size: np.ndarray
    rotation: np.ndarray
    brightness: np.ndarray
    background_brightness: np.ndarray
    saturation: np.ndarray
    hue_shift: np.ndarray
    light: np.ndarray
    white_balance: np.ndarray
    background_chroma: np.ndarray
    texture: np.ndarray
    background_texture: np.ndarray
    clutter: np.ndarray
    noise: np.ndarray

    def take(self, rows: slice) -> "Nuisances":
        """Those of some images."""
        return Nuisances(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_nuisances(n: int, clutter: int, random: np.random.Generator) -> Nuisances:
    """Of n images with `clutter` small discs each, independent of the class."""
    turn = 2 * np.pi
    size = random.uniform(*SIZE, n)
    room = np.clip(SIDE / 2 - size, 0.0, None)  # from the image's centre: the object stays inside for the most part
    centre = (SIDE - 1) / 2 + room[:, None] * random.uniform(-1.0, 1.0, (n, 2))
    levels = np.stack([random.uniform(*DARK, n), random.uniform(*BRIGHT, n)])
    is_bright = random.integers(0, 2, n)
    rows = np.arange(n)
    pieces = np.stack(
        [
            random.uniform(0, SIDE - 1, (n, clutter)),
            random.uniform(0, SIDE - 1, (n, clutter)),
            random.uniform(*CLUTTER_SIZE, (n, clutter)),
            random.uniform(0.9, 1.1, (n, clutter)),
            random.uniform(*SATURATION, (n, clutter)),
            random.uniform(0, turn, (n, clutter)),
        ],
        axis=2,
    )
    return Nuisances(
        centre=centre,
        size=size,
        rotation=random.uniform(0, turn, n),
        brightness=levels[is_bright, rows],
        background_brightness=levels[1 - is_bright, rows],
        saturation=random.uniform(*SATURATION, n),
        hue_shift=random.uniform(-HUE_SPREAD, HUE_SPREAD, n),
        light=GRADIENT / np.sqrt(2) * random.uniform(-1.0, 1.0, (n, 2)),
        white_balance=np.stack([random.uniform(0, WHITE_BALANCE, n), random.uniform(0, turn, n)], axis=1),
        background_chroma=np.stack([random.uniform(*BACKGROUND_SATURATION, n), random.uniform(0, turn, n)], axis=1),
        texture=np.stack([random.uniform(0, turn, n), random.uniform(*PERIOD, n), random.uniform(0, turn, n)], axis=1),
        background_texture=np.stack(
            [
                random.uniform(0, turn, n),
                random.uniform(*PERIOD, n),
                random.uniform(0, turn, n),
                random.uniform(0, BACKGROUND_RELIEF, n),
            ],
            axis=1,
        ),
        clutter=pieces,
        noise=np.clip(random.standard_normal((n, CHANNELS, SIDE, SIDE), dtype=np.float32), -NOISE_CUT, NOISE_CUT),
    )
