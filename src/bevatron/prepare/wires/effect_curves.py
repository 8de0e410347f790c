"""What each effect of the detector is, as curves: the panels beside the images of `effects.py`."""

import numpy as np

from bevatron.prepare.wires.charge import Charge
from bevatron.prepare.wires.deposit import fill_image
from bevatron.prepare.wires.drift import Drift, diffusion_width
from bevatron.prepare.wires.electronics import Electronics
from bevatron.prepare.wires.induction import INDUCTION_PLANES, WIRES, add_induced, take_charges
from bevatron.prepare.wires.noise import coherent_noise
from bevatron.prepare.wires.planes import ANGLES, PITCH
from bevatron.prepare.wires.response import FINE, GAIN, apply_response, fine_shape, millivolts, pixel_kernel
from bevatron.prepare.wires.space_charge import SpaceCharge, displace_points
from bevatron.raw.comparison import Comparison, Curve

TICK = 0.5  # µs: a sample of MicroBooNE's digitisers
SHORT = 1.0  # µs: charge within this time is at once
AROUND = 15.0  # µs of a waveform on either side
NOISE_PIXELS = 4_000
NEIGHBOURS = {0: "nearest wire", 1: "next wire", 2: "2 wires away", 4: "4 wires away"}
POINT = 16.0  # ke: what a minimum ionising particle leaves on a wire's pitch (arXiv:1802.08709)
TRACK, DISTANCE = 60.0, 100.0  # cm: length of a track and its distance from the wires
PIECE = 0.01  # cm of the track


def waveform(charge: Charge, plane: str, wire: int, start: float, ticks: int, peaking_time: float) -> np.ndarray:
    """The amplifier's output (ticks,), mV, of one wire from `start` µs on, without noise; charge: its times in µs."""
    near = WIRES if plane in INDUCTION_PLANES else 0
    rows, width, margin = fine_shape(ticks, 1 + 2 * near, TICK)
    cells, out = np.zeros((rows, width), np.float32), np.zeros((ticks, width), np.float32)
    kernel = pixel_kernel(plane, peaking_time, TICK)
    time = ((charge.time - start) / TICK + margin) * FINE
    place = charge.wire(plane) - wire + near
    fill_image(cells, time, place, charge.charge, charge.sigma_time / TICK * FINE, charge.sigma_wire)
    if near:
        add_induced(*take_charges(cells), kernel.first, kernel.values, margin, out)
    else:
        apply_response(cells, kernel.first, kernel.values, margin, out)
    return millivolts(out[:, near].astype(np.float64) / TICK, peaking_time)


def waveforms(charge: Charge, peaking_time: float, pixel_time: float) -> Comparison:
    """The raw waveforms of a wire of each plane: that with most charge in a short time, as charge that arrives over a
    long time cancels itself on the induction planes.
    """
    in_us = Charge(**{**vars(charge), "time": charge.time * pixel_time, "sigma_time": charge.sigma_time * 0.0})
    ticks, curves = round(2 * AROUND / TICK), []
    for plane in ANGLES:
        number = np.floor(charge.wire(plane)).astype(np.int64)
        place, first = number - number.min(), int(number.min())
        total = np.maximum(np.bincount(place, charge.charge), 1e-9)
        mean = np.bincount(place, charge.charge * in_us.time) / total
        spread = np.sqrt(np.bincount(place, charge.charge * (in_us.time - mean[place]) ** 2) / total)
        best = int((total / (spread + SHORT)).argmax())
        wire, centre = first + best, float(mean[best])
        signal = waveform(in_us, plane, wire, centre - AROUND, ticks, peaking_time)
        curves.append(Curve.of(f"plane {plane}, wire {wire}", (np.arange(ticks) + 0.5) * TICK - AROUND, signal))
    return Comparison(
        "waveforms",
        "Waveforms, without noise and diffusion: of the wire of each plane with most charge in a short time, bipolar "
        f"on the induction planes u and v, unipolar on y ({peaking_time:g} µs peaking time, {GAIN:g} mV/fC).",
        "time from the charge's mean arrival [µs]",
        "amplifier's output [mV]",
        curves,
        line=True,
    )


def neighbours(peaking_time: float) -> Comparison:
    """The waveforms of the wire of u whose cell a point charge passes, and of some beside it."""
    one, zero, ticks = np.ones(1), np.zeros(1), round(2 * AROUND / TICK)
    point = Charge(zero, zero, 0.5 * PITCH / np.cos(np.radians(ANGLES["u"])) * one, POINT * one, zero, zero, zero, zero)
    time, curves = (np.arange(ticks) + 0.5) * TICK - AROUND, []
    for wire, label in NEIGHBOURS.items():
        signal = waveform(point, "u", wire, -AROUND, ticks, peaking_time)
        curves.append(Curve.of(label, time, signal))
    return Comparison(
        "neighbours",
        f"The waveforms of plane u of {POINT:g} ke at one place, which also induce a charge on the wires beside it.",
        "time from the charge's arrival [µs]",
        "amplifier's output [mV]",
        curves,
        line=True,
    )


def signal_by_angle(peaking_time: float, pixel_time: float, drift: Drift) -> Comparison:
    """What is left of a straight track's signal on u and v."""
    angle = np.array([0.0, 15, 30, 40, 50, 60, 65, 70, 75, 80, 84, 87, 90])
    curves = []
    for plane in INDUCTION_PLANES:
        sizes = [track_signal(plane, a, peaking_time, pixel_time, drift) for a in angle]
        curves.append(Curve.of(f"plane {plane}", angle, sizes))
    alone = [track_signal("u", a, peaking_time, pixel_time, drift, wires=0) for a in angle]
    curves.append(Curve.of("plane u, nearest wire alone", angle, alone))
    return Comparison(
        "signal_by_angle",
        f"The sum of the sizes of the pixels of a straight track of {TRACK:g} cm, {DISTANCE:g} cm from the wires, over "
        "its charge, without noise: charge that arrives on a wire over a long time cancels itself.",
        "angle of the track to the wire plane [°]",
        "sum of sizes / charge",
        curves,
        line=True,
    )


def track_signal(
    plane: str, angle: float, peaking_time: float, pixel_time: float, drift: Drift, wires: int = WIRES
) -> float:
    """The sum of the sizes of the pixels over the charge, for a track across the wires at `angle` degrees to the plane
    that has charge of one density; wires: how many neighbours on either side count.
    """
    along = (np.arange(round(TRACK / PIECE)) + 0.5) * PIECE
    place = along * np.cos(np.radians(angle)) / PITCH + WIRES + 0.5
    time = along * np.sin(np.radians(angle)) / drift.velocity / pixel_time
    drifting = np.full(len(along), DISTANCE / drift.velocity)
    rows, width, margin = fine_shape(int(time.max()) + 1, int(place.max()) + 2 * WIRES, pixel_time)
    cells, image = np.zeros((rows, width), np.float32), np.zeros((rows // FINE, width), np.float32)
    sigma_time = diffusion_width(drifting, drift.diffusion_along) / drift.velocity / pixel_time
    sigma_wire = diffusion_width(drifting, drift.diffusion_across) / PITCH
    fill_image(cells, (time + margin) * FINE, place, np.ones(len(along)), sigma_time * FINE, sigma_wire)
    kernel = pixel_kernel(plane, peaking_time, pixel_time)
    values = kernel.values[:, :, WIRES - wires : WIRES + wires + 1]
    add_induced(*take_charges(cells), kernel.first, np.ascontiguousarray(values), 0, image)
    return float(np.abs(image, dtype=np.float64).sum() / len(along))


def noise_correlation(electronics: Electronics, seed: int) -> Comparison:
    """The correlation of the noise of a board's first wire with that of the wires around it."""
    random, board = np.random.Generator(np.random.Philox(seed)), electronics.board
    correlation = float(np.exp(-electronics.pixel_time / electronics.coherent_time))
    shared = coherent_noise(NOISE_PIXELS, 3, electronics.coherent_noise, correlation, random)
    noise = np.repeat(shared, board, axis=1) + random.normal(0.0, electronics.noise, (NOISE_PIXELS, 3 * board))
    found = np.asarray(np.corrcoef(noise, rowvar=False))[board]
    distance = np.arange(3 * board) - board
    expected = electronics.coherent_noise**2 / (electronics.coherent_noise**2 + electronics.noise**2)
    other = distance != 0
    return Comparison(
        "coherent_noise",
        f"Correlation of the noise of a wire with that of its neighbours: {board} wires share a board, whose noise of "
        f"{electronics.coherent_noise:g} ke adds to each wire's own {electronics.noise:g} ke.",
        "distance of the wires",
        "correlation of their noise",
        [
            Curve.of(
                "expected",
                [-board, -1, -1, board, board, 2 * board],
                [0.0, 0.0, expected, expected, 0.0, 0.0],
                published=True,
            ),
            Curve.of("drawn", distance[other], found[other]),
        ],
        line=True,
    )


def displacements(low: tuple, high: tuple, field: SpaceCharge) -> Comparison:
    """How far space charge moves charge in a box with these corners, cm."""
    x = np.linspace(low[0], high[0], 60)
    centre = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    curves = []
    for label, axis, (y, z) in (
        ("Δx on the axis", 0, (centre[1], centre[2])),
        ("Δy at the upper wall", 1, (high[1], centre[2])),
        ("Δz at the far end", 2, (centre[1], high[2])),
    ):
        points = np.stack([x, np.full_like(x, y), np.full_like(x, z)], axis=1)
        curves.append(Curve.of(label, x, (displace_points(points, low, high, field) - points)[:, axis]))
    return Comparison(
        "space_charge",
        f"Displacement by space charge of {field.displacement:g} cm at most in y; MicroBooNE measured 12 to 14 cm in "
        "y and 4 cm in x (arXiv:1910.01430, arXiv:2008.09765).",
        "distance from the wires [cm]",
        "displacement [cm]",
        curves,
        line=True,
    )
