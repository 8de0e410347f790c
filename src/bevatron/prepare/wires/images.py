"""Turns the segments of events into the pixels of their images, event by event."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.wires.boxes import COSMIC, find_boxes
from bevatron.prepare.wires.charge import Charge, drift_charge
from bevatron.prepare.wires.deposit import fill_image
from bevatron.prepare.wires.electronics import dead_wires, read_out_pixels
from bevatron.prepare.wires.induction import INDUCTION_PLANES, add_induced, drop_faint, take_charges
from bevatron.prepare.wires.labels import PixelClasses, label_pixels
from bevatron.prepare.wires.noise_draws import count_noise_draws
from bevatron.prepare.wires.planes import ANGLES
from bevatron.prepare.wires.response import FINE, apply_response, charged_cells, fine_shape, pixel_kernel
from bevatron.prepare.wires.shower import measure_shower_start
from bevatron.prepare.wires.space_charge import displace_segments
from bevatron.prepare.wires.window import PlaneView, charge_views, detector_views, image_side
from bevatron.store.shards.columns import Samples

Pixels = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class EventImages:
    """The pixels of each image group (index rising, value), the boxes (max_boxes, 5), the shower's start (2,), and of
    each image group the class number of each pixel, where pixels have classes.
    """

    pixels: dict[str, Pixels]
    boxes: np.ndarray
    shower: np.ndarray
    labels: dict[str, np.ndarray]


class WireImages:
    """Makes the images of the events of one raw shard; shapes: (channels, height, width) by image group."""

    def __init__(self, options: Any, raw: Samples):
        if "box" not in raw.attributes or "segments" not in raw.inputs:
            what = f"reads energy deposits in a box, which the source '{raw.attributes.get('source')}' does not write"
            raise UserError("dataset.recipe 'lartpc'", what, "take the source 'lartpc' or 'geant4'")
        self.options, self.raw = options, raw
        attributes: dict[str, Any] = raw.attributes
        box = attributes["box"]
        self.low, self.high = tuple(box["low"]), tuple(box["high"])
        self.classes = {code: k for k, code in enumerate(attributes["particle_codes"])}
        is_detector = options.window.show == "detector"
        self.fixed = detector_views(self.low, self.high, options) if is_detector else None
        height, width = image_side(options, self.low, self.high)
        self.shapes = {
            name: (len(image.planes), height // image.rebin, width // image.rebin)
            for name, image in options.images.items()
        }
        self.order = {name: _pixel_permutation(self.shapes[name], options.permutation_seed) for name in options.images}
        self.planes = [plane for plane in ANGLES if any(plane in image.planes for image in options.images.values())]
        self._buffer = np.zeros((height, width), np.float32)
        # A waveform has the electronics' pulse, which the response holds: only diffusion widens the charge itself.
        self.waveform = options.response.signal == "waveform"
        self._pulse = options.electronics.model_copy(update={"shaping": 0.0}) if self.waveform else options.electronics
        rows, columns, self._margin = fine_shape(height, width, options.electronics.pixel_time)
        self._cells = np.zeros((rows, columns) if self.waveform else (0, 0), np.float32)
        self._scratch = np.zeros_like(self._buffer)
        self.classes_of_pixels = PixelClasses(raw) if options.labels else None

    def event(self, k: int, random: np.random.Generator) -> EventImages:
        """Event number k of the shard; its noise and shift are the next of `random`."""
        segments, ids = (event_values(self.raw, name, k) for name in ("segments", "segment_ids"))
        primaries, numbers = (event_values(self.raw, name, k) for name in ("primaries", "primary_ids"))
        charge = self.charge(segments, ids)
        if self.fixed is None:
            central = (numbers[charge.primary, 1] != COSMIC) & ~charge.from_neutron
            views = charge_views(charge.take(central), self.options.window, random)
        else:
            views = self.fixed
        planes = {plane: self._plane(charge, plane, views[plane], random) for plane in self.planes}
        pixels = {name: self._image(name, planes) for name in self.options.images}
        visible = charge.take(~self._dead(np.floor(charge.wire("y")).astype(np.int64), "y"))
        labels = self._labels(k, charge, planes, views)
        boxes = find_boxes(visible, numbers[:, 0], numbers[:, 1], self.classes, views["y"], self.options.boxes)
        shower = np.zeros(2, np.float32)
        if len(numbers) and numbers[0, 1] != COSMIC:
            conversion = float(values_of(self.raw, "conversion")[k, 0])
            shower = measure_shower_start(segments, ids[:, 3], primaries[0], conversion, self.options.shower_length)
        return EventImages(pixels, boxes, shower, labels)

    def charge(self, segments: np.ndarray, ids: np.ndarray) -> Charge:
        """The charge of segments (n, 9) and ids (n, 4) where it arrives; images, windows and boxes follow from it."""
        moved = displace_segments(segments, self.low, self.high, self.options.space_charge)
        return drift_charge(moved, ids, self.low[0], self.options.drift, self._pulse)

    def _dead(self, wires: np.ndarray, plane: str) -> np.ndarray:
        return dead_wires(wires, tuple(ANGLES).index(plane), self.options.electronics)

    def _plane(self, charge: Charge, plane: str, view: PlaneView, random: np.random.Generator) -> Pixels:
        electronics, buffer = self.options.electronics, self._buffer
        buffer[:] = 0.0
        wire, time = charge.wire(plane) - view.wire, charge.time - view.time
        signed, draws = self.waveform and plane in INDUCTION_PLANES, None
        if self.waveform:
            draws = self._add_waveforms(charge, plane, wire, time)
        else:
            fill_image(buffer, time, wire, charge.charge, charge.sigma_time, charge.sigma_wire)
        dead = self._dead(view.wire + np.arange(view.width), plane)
        index, value = read_out_pixels(buffer, dead, electronics, random, view.wire, signed, draws)
        return index, np.abs(value) if signed and self.options.response.rectify else value

    def _add_waveforms(self, charge: Charge, plane: str, wire: np.ndarray, time: np.ndarray) -> int | None:
        """Adds the signals to the buffer; of u and v the number of `read_out_pixels`'s draws."""
        peaking_time, pixel_time = self.options.response.peaking_time, self.options.electronics.pixel_time
        kernel = pixel_kernel(plane, peaking_time, pixel_time)
        time, sigma_time = (time + self._margin) * FINE, charge.sigma_time * FINE
        fill_image(self._cells, time, wire, charge.charge, sigma_time, charge.sigma_wire)
        cells, margin = charged_cells(self._cells, time, sigma_time, self._margin)
        if plane not in INDUCTION_PLANES:
            apply_response(cells, kernel.first, kernel.values, margin, self._buffer)
            return None
        charges = take_charges(cells)
        add_induced(*charges, kernel.first, kernel.values, margin, self._buffer)
        drop_faint(self._buffer)
        return count_noise_draws(charges, plane, peaking_time, pixel_time, margin, self._scratch)

    def _labels(
        self, k: int, charge: Charge, planes: dict[str, Pixels], views: dict[str, PlaneView]
    ) -> dict[str, np.ndarray]:
        """The class numbers of the pixels of each image group, in the order of `_image`; empty without classes."""
        if self.classes_of_pixels is None:
            return {}
        numbers, labels = self.classes_of_pixels.of_event(k), {}
        of_planes = {
            plane: self.classes_of_pixels.charge(charge, numbers, plane, views[plane], at)
            for plane, (at, _) in planes.items()
        }
        for name, image in self.options.images.items():
            parts = []
            for plane in image.planes:
                pixels, place = self._sum_pixels(name, planes[plane][0])
                of_plane = label_pixels(of_planes[plane], place, len(pixels))
                parts.append(of_plane[np.argsort(self.order[name][pixels])] if image.permuted else of_plane)
            labels[name] = np.concatenate(parts)
        return labels

    def _sum_pixels(self, name: str, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pixels (n,) of an image, rising, to which those `at` (m,) of a plane are added, and to which each."""
        rebin, width = self.options.images[name].rebin, self.shapes[name][2]
        row, column = np.divmod(at, self._buffer.shape[1])
        return np.unique((row // rebin) * width + column // rebin, return_inverse=True)

    def _image(self, name: str, planes: dict[str, Pixels]) -> Pixels:
        image, (_, height, width) = self.options.images[name], self.shapes[name]
        index, value = [], []
        for channel, plane in enumerate(image.planes):
            at, charge = planes[plane]
            pixels, inverse = self._sum_pixels(name, at)
            total = np.bincount(inverse, charge, minlength=len(pixels)) if len(pixels) else np.zeros(0)
            if image.permuted:
                pixels = self.order[name][pixels]
                rising = np.argsort(pixels)
                pixels, total = pixels[rising], total[rising]
            index.append(pixels + channel * height * width)
            value.append(total)
        return np.concatenate(index), np.concatenate(value).astype(np.float32)


def event_values(raw: Samples, name: str, k: int) -> np.ndarray:
    """The rows of event k in a ragged group of a raw shard."""
    column = ragged(raw, name)
    return column.values[column.offsets[k] : column.offsets[k + 1]]


def _pixel_permutation(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).permutation(shape[1] * shape[2])
