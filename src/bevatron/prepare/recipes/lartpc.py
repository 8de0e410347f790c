"""The recipe `lartpc`: images of three wire planes in a liquid-argon time projection chamber."""

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, Name, Positive, Section, Seed, WithLaterKeys
from bevatron.prepare.wires.boxes import Boxes
from bevatron.prepare.wires.drift import Drift
from bevatron.prepare.wires.electronics import Electronics
from bevatron.prepare.wires.planes import Plane
from bevatron.prepare.wires.response import Response
from bevatron.prepare.wires.space_charge import SpaceCharge
from bevatron.prepare.wires.window import SourceInBox, Window
from bevatron.raw.detector_effects import DetectorEffects
from bevatron.store.shards.columns import Dense, ElementTarget, Group, Samples, SparseImages

APPROXIMATIONS = (
    "Signals are either deconvolved perfectly or waveforms, whose response on u and v is averaged over the places in a "
    "wire's cell, and on y leaves out the neighbouring wires; the noise of a wire's own is white; space charge, where "
    "it is on, is a smooth formula and leaves recombination as it is."
)


class Image(Section):
    """One input group of images."""

    rebin: Count = Field(
        default=1, description="pixels that are added up along each side, of what is above the threshold"
    )
    planes: list[Plane] = Field(default=["u", "v", "y"], description="planes, one channel each", min_length=1)
    permuted: bool = Field(default=False, description="shuffled pixels, the same in all images")


@recipe("lartpc")
class WirePlanes:
    """Sparse images (planes, time, wires), kilo-electrons, an input group for each of `images`, and `shower` (n, 2).

    Targets `particle` and `neutrino` of the source, and `boxes` (n, max_boxes, 5) float32: corners x1, y1, x2, y2 as
    fractions of the collection plane's image, and the class; -1 where there is none. With `labels` a target of the
    pixels of each image group, `<group>_class`, -1 in a pixel of noise alone. Recombination, drift, diffusion,
    space charge, response, noise and threshold: one module each in bevatron.prepare.wires.
    """

    VERSION = 3

    class Options(WithLaterKeys, kinds.Options):
        LATER: ClassVar[tuple[str, ...]] = ("labels",)

        images: dict[Name, Image] = Field(description="by name of the input group", min_length=1)
        window: Window = Field(default_factory=Window, description="part of the readout that an image shows")
        drift: Drift = Field(default_factory=Drift, description="electrons on their way to the wires")
        electronics: Electronics = Field(default_factory=Electronics, description="noise, dead wires, threshold")
        response: Response = Field(default_factory=Response, description="what pixels hold of a wire's signal")
        space_charge: SpaceCharge = Field(default_factory=SpaceCharge, description="displacement by the field of ions")
        boxes: Boxes = Field(default_factory=Boxes, description="boxes around what is in an image")
        shower_length: Positive = Field(default=2.4, description="length at the start over which dE/dx is taken, cm")
        permutation_seed: Seed = Field(default=1, description="seed of the permutation, of permuted images")
        labels: bool = Field(
            default=False,
            description="write for each image group the target `<group>_class`: the class of each charged pixel, which "
            "is that of the deposits with most of its charge; of a source with `deposit_classes`",
        )

        @model_validator(mode="after")
        def _images_fit(self) -> "WirePlanes.Options":
            for name, image in self.images.items():
                if self.window.show == "charge" and self.window.size % image.rebin:
                    raise ValueError(
                        f"images.{name}.rebin: must divide window.size, found {image.rebin} and {self.window.size}"
                    )
                if len(set(image.planes)) < len(image.planes):
                    raise ValueError(f"images.{name}.planes: a plane stands twice in {', '.join(image.planes)}")
            return self

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `lartpc` or `geant4`; noise and shifts follow from `seed`."""
        from bevatron.prepare.wires.images import WireImages  # numba

        images = WireImages(options, raw)
        random = np.random.Generator(np.random.Philox(seed))
        events = [images.event(k, random) for k in range(len(raw))]
        inputs = {}
        for name, image in options.images.items():
            lengths = [len(event.pixels[name][0]) for event in events]
            index = np.concatenate([event.pixels[name][0] for event in events]).astype(np.int32)
            value = np.concatenate([event.pixels[name][1] for event in events]).astype(np.float32)
            offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
            column = SparseImages(index, value, offsets, images.shapes[name])
            inputs[name] = Group(column, tuple(image.planes), ("ke",) * len(image.planes))
        from bevatron.prepare.wires.shower import FEATURES, UNITS

        inputs["shower"] = Group(Dense(np.stack([event.shower for event in events])), FEATURES, UNITS)
        targets = {name: raw.targets[name] for name in ("particle", "neutrino")}
        targets["boxes"] = np.stack([event.boxes for event in events])
        of_pixels = {}
        if images.classes_of_pixels is not None:
            for name in options.images:
                values = np.concatenate([event.labels[name] for event in events])
                of_pixels[f"{name}_class"] = ElementTarget(name, values, images.classes_of_pixels.classes)
        attributes: dict[str, object] = {"approximations": APPROXIMATIONS}
        return Samples(inputs, targets, raw.id, attributes=attributes, element_targets=of_pixels)

    def effects(self, options: Options, raw: Samples, seed: int) -> DetectorEffects:
        """One event of a small raw shard with each effect of the detector alone, for `bevatron validate-source`."""
        from bevatron.prepare.wires.effects import compute_effects

        return compute_effects(options, raw, seed)

    def images(self, options: Options, source: SourceInBox) -> dict[str, tuple[int, int, int]]:
        """Shapes (channels, height, width) by image group of events from `source`, for `bevatron plan`."""
        from bevatron.prepare.wires.window import image_side

        height, width = image_side(options, tuple(source.box.low), tuple(source.box.high))
        return {
            name: (len(image.planes), height // image.rebin, width // image.rebin)
            for name, image in options.images.items()
        }
