"""One event with each effect of the detector alone, and what each effect is: what `bevatron validate-source` draws."""

from typing import Any

import numpy as np

from bevatron.prepare.wires.charge import Charge
from bevatron.prepare.wires.deposit import fill_image
from bevatron.prepare.wires.electronics import Electronics, dead_wires
from bevatron.prepare.wires.images import WireImages, event_values
from bevatron.prepare.wires.induction import INDUCTION_PLANES, WIRES, add_induced
from bevatron.prepare.wires.noise import coherent_noise
from bevatron.prepare.wires.planes import ANGLES
from bevatron.prepare.wires.response import FINE, GAIN, apply_response, fine_shape, millivolts, pixel_kernel
from bevatron.prepare.wires.space_charge import SpaceCharge, displace_points
from bevatron.prepare.wires.window import charge_views
from bevatron.raw.comparison import Comparison, Curve
from bevatron.raw.detector_effects import DetectorEffects, EffectImage
from bevatron.store.shards.columns import Samples

PLANE = "v"  # an induction plane
SIDE = 192  # wires and time pixels of an image
DEAD, COHERENT, DISPLACEMENT = 0.1, 0.5, 13.0  # where the study has them off; COHERENT of a wire's own noise; cm
TICK = 0.5  # µs: a sample of MicroBooNE's digitisers
SHORT = 1.0  # µs: charge within this time is at once
AROUND = 15.0  # µs of a waveform on either side
NOISE_PIXELS = 4_000


def compute_effects(options: Any, raw: Samples, seed: int) -> DetectorEffects:
    """The event of a small raw shard that has most charge on dead wires, drawn with each effect alone; the recipe's
    options, where the study has an effect off MicroBooNE's size of it.
    """
    own = options.electronics
    dead = {"dead_fraction": own.dead_fraction or DEAD}
    coherent = {"coherent_noise": own.coherent_noise or COHERENT * own.noise}
    displacement = options.space_charge.displacement or DISPLACEMENT
    field = SpaceCharge(displacement=displacement)
    waveform = options.response.model_copy(update={"signal": "waveform", "rectify": False})
    ideal = options.model_copy(
        update={
            "images": {"panel": next(iter(options.images.values())).model_copy(update=_FINE_IMAGE)},
            "window": options.window.model_copy(update={"show": "charge", "size": SIDE, "shift": 0}),
            "electronics": own.model_copy(update={"dead_fraction": 0.0, "coherent_noise": 0.0}),
            "response": options.response.model_copy(update={"signal": "deconvolved"}),
            "space_charge": SpaceCharge(),
        }
    )
    plain = WireImages(ideal, raw)
    k, charge = _event_with_most_on_dead_wires(plain, own.model_copy(update=dead))
    views = charge_views(charge, ideal.window, np.random.Generator(np.random.Philox(seed)))

    def image(title: str, **changed: Any) -> EffectImage:
        electronics = ideal.electronics.model_copy(update=changed.pop("electronics", {}))
        made = WireImages(ideal.model_copy(update={"electronics": electronics, **changed}), raw)
        made.fixed = views
        index, value = made.event(k, np.random.Generator(np.random.Philox(seed))).pixels["panel"]
        dense = np.zeros(SIDE * SIDE, np.float32)
        dense[index] = value
        view, pixel = views[PLANE], own.pixel_time
        extent = (view.wire, view.wire + SIDE, view.time * pixel, (view.time + SIDE) * pixel)
        return EffectImage.of(title, ("wire", "time [µs]", "ke"), extent, dense.reshape(SIDE, SIDE))

    as_configured = {"response": options.response.model_copy(update={"rectify": False})}
    images = [
        image("without any of them"),
        image("induction response", response=waveform),
        image(_named("dead wires", own.dead_fraction), electronics=dead),
        image(_named("coherent noise", own.coherent_noise), electronics={**coherent, "threshold": own.noise}),
        image(_named("space charge", options.space_charge.displacement), space_charge=field),
        image(
            "all, as in this study",
            electronics=own.model_dump(),
            space_charge=options.space_charge,
            **as_configured,
        ),
    ]
    caption = (
        f"One simulated event in plane {PLANE}, a pixel a wire and {own.pixel_time:g} µs, without noise below "
        f"{own.threshold:g} ke ({own.noise:g} ke for coherent noise), with each effect of the detector alone. Red "
        "and blue: signals of both signs. An effect that this study has off is drawn at MicroBooNE's size."
    )
    panels = [
        _waveforms(charge, options.response.peaking_time, own.pixel_time),
        _correlation(own.model_copy(update=coherent), seed),
        _displacements(plain.low, plain.high, field),
    ]
    return DetectorEffects(" ".join([caption, *(panel.caption for panel in panels)]), images, panels)


_FINE_IMAGE = {"rebin": 1, "planes": [PLANE], "permuted": False}


def _named(effect: str, size: float) -> str:
    return effect if size else f"{effect} (off in this study)"


def _event_with_most_on_dead_wires(images: WireImages, electronics: Electronics) -> tuple[int, Charge]:
    best, most = (0, None), -1.0
    for k in range(len(images.raw)):
        charge = images.charge(*(event_values(images.raw, name, k) for name in ("segments", "segment_ids")))
        dead = dead_wires(np.floor(charge.wire(PLANE)).astype(np.int64), tuple(ANGLES).index(PLANE), electronics)
        hidden = float(charge.charge[dead].sum())
        if hidden > most:
            best, most = (k, charge), hidden
    k, charge = best
    assert charge is not None  # a shard has an event
    return k, charge


def waveform(charge: Charge, plane: str, wire: int, start: float, ticks: int, peaking_time: float) -> np.ndarray:
    """The amplifier's output (ticks,), mV, of one wire from `start` µs on, without noise; charge: its times in µs."""
    near = WIRES if plane in INDUCTION_PLANES else 0
    rows, width, margin = fine_shape(ticks, 1 + 2 * near, TICK)
    cells, out = np.zeros((rows, width), np.float32), np.zeros((ticks, width), np.float32)
    kernel = pixel_kernel(plane, peaking_time, TICK)
    time = ((charge.time - start) / TICK + margin) * FINE
    place = charge.wire(plane) - wire + near
    fill_image(cells, time, place, charge.charge, charge.sigma_time / TICK * FINE, charge.sigma_wire)
    add = add_induced if near else apply_response
    add(cells, kernel.first, kernel.values, margin, out)
    return millivolts(out[:, near].astype(np.float64) / TICK, peaking_time)


def _waveforms(charge: Charge, peaking_time: float, pixel_time: float) -> Comparison:
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


def _correlation(electronics: Electronics, seed: int) -> Comparison:
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


def _displacements(low: tuple, high: tuple, field: SpaceCharge) -> Comparison:
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
