"""One event with each effect of the detector alone, and what each effect is: what `bevatron validate-source` draws."""

from typing import Any

import numpy as np

from bevatron.prepare.wires.charge import Charge
from bevatron.prepare.wires.effect_curves import (
    displacements,
    neighbours,
    noise_correlation,
    signal_by_angle,
    waveforms,
)
from bevatron.prepare.wires.electronics import Electronics, dead_wires
from bevatron.prepare.wires.images import WireImages, event_values
from bevatron.prepare.wires.planes import ANGLES
from bevatron.prepare.wires.space_charge import SpaceCharge
from bevatron.prepare.wires.window import PlaneView, Window, charge_views
from bevatron.raw.detector_effects import DetectorEffects, EffectImage
from bevatron.store.shards.columns import Samples

PLANE = "v"  # an induction plane
SIDE = 192  # wires and time pixels of an image
DEAD, COHERENT, DISPLACEMENT = 0.1, 0.5, 13.0  # where the study has them off; COHERENT of a wire's own noise; cm


def compute_effects(options: Any, raw: Samples, seed: int) -> DetectorEffects:
    """The event of a small raw shard in which all effects can be seen (`_clearest_event`), drawn with each effect
    alone; the recipe's options, where the study has an effect off MicroBooNE's size of it.
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
    k, charge, views = _clearest_event(plain, own.model_copy(update=dead), ideal.window, seed)

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
        f"{own.threshold:g} ke ({own.noise:g} ke for coherent noise), with each effect of the detector alone. It is "
        "the event whose dead wires hide most, counted up to half of what the others show. Red and "
        "blue: signals of both signs. An effect that this study has off is drawn at MicroBooNE's size."
    )
    panels = [
        waveforms(charge, options.response.peaking_time, own.pixel_time),
        neighbours(options.response.peaking_time),
        signal_by_angle(options.response.peaking_time, own.pixel_time, options.drift),
        noise_correlation(own.model_copy(update=coherent), seed),
        displacements(plain.low, plain.high, field),
    ]
    return DetectorEffects(" ".join([caption, *(panel.caption for panel in panels)]), images, panels)


_FINE_IMAGE = {"rebin": 1, "planes": [PLANE], "permuted": False}


def _named(effect: str, size: float) -> str:
    return effect if size else f"{effect} (off in this study)"


def _clearest_event(
    images: WireImages, electronics: Electronics, window: Window, seed: int
) -> tuple[int, Charge, dict[str, PlaneView]]:
    """The event in whose panel the smaller of two charges is largest: that on dead wires, and half of the other."""
    best, largest = None, -1.0
    for k in range(len(images.raw)):
        charge = images.charge(*(event_values(images.raw, name, k) for name in ("segments", "segment_ids")))
        views = charge_views(charge, window, np.random.Generator(np.random.Philox(seed)))
        wire, view = np.floor(charge.wire(PLANE)).astype(np.int64), views[PLANE]
        row, column = charge.time - view.time, wire - view.wire
        shown = (row >= 0) & (row < view.height) & (column >= 0) & (column < view.width)
        dead = dead_wires(wire, tuple(ANGLES).index(PLANE), electronics)
        hidden, visible = (float(charge.charge[shown & which].sum()) for which in (dead, ~dead))
        if min(hidden, visible / 2) > largest:
            best, largest = (k, charge, views), min(hidden, visible / 2)
    assert best is not None  # a shard has an event
    return best
