"""The class of each charged pixel: that of the deposits which bring most of its charge."""

import numpy as np

from bevatron.errors import UserError
from bevatron.prepare.columns import ragged
from bevatron.prepare.wires.charge import POINT_FRACTIONS, Charge
from bevatron.prepare.wires.deposit import fill_image
from bevatron.prepare.wires.window import PlaneView
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.element_targets import UNLABELLED

CLASSES_OF_DEPOSITS = "segment_classes"  # of the source `lartpc`: bevatron.simulate.argon.tracking.event


class PixelClasses:
    """The charge that each class brings to each pixel of a plane. Raises UserError for raw events without classes.

    classes: their names, in the order of their numbers.
    """

    def __init__(self, raw: Samples):
        if CLASSES_OF_DEPOSITS not in raw.inputs:
            what = "reads the class of each deposit, which these raw events do not have"
            todo = "set simulation.source.deposit_classes of the source 'lartpc'"
            raise UserError("dataset.recipe.labels", what, todo)
        self._column = ragged(raw, CLASSES_OF_DEPOSITS)
        names = raw.attributes["deposit_classes"]
        self.classes = tuple(str(name) for name in names)  # type: ignore[attr-defined]

    def of_event(self, k: int) -> np.ndarray:
        """The class numbers (n,) of the points of charge of event k, as `drift_charge` makes them."""
        of_segments = self._column.values[self._column.offsets[k] : self._column.offsets[k + 1], 0]
        return np.repeat(of_segments, len(POINT_FRACTIONS))

    def charge(self, charge: Charge, numbers: np.ndarray, plane: str, view: PlaneView, at: np.ndarray) -> np.ndarray:
        """Kilo-electrons that each class brings to the pixels `at` (m,) of a view, before noise: (n_classes, m).

        charge (n,) with the class `numbers` (n,) of its points; pixels are counted in C order of the view.
        """
        of_classes = np.zeros((len(self.classes), len(at)), np.float32)
        image = np.zeros((view.height, view.width), np.float32)
        for k in range(len(self.classes)):
            own = charge.take(numbers == k)
            if not len(own.charge):
                continue
            image[:] = 0.0
            wire = own.wire(plane) - view.wire
            fill_image(image, own.time - view.time, wire, own.charge, own.sigma_time, own.sigma_wire)
            of_classes[k] = image.ravel()[at]
        return of_classes


def label_pixels(of_classes: np.ndarray, place: np.ndarray, n: int) -> np.ndarray:
    """The class numbers (n,) int8 of n pixels: of each the class with the largest charge, of equal ones the first; -1
    where there is none, as in a pixel of noise.

    of_classes (n_classes, m): charge of m smaller pixels, of which place (m,) says to which of the n each is added.
    """
    total = np.stack([np.bincount(place, charge, minlength=n) for charge in of_classes])
    return np.where(total.max(0) > 0, total.argmax(0), UNLABELLED).astype(np.int8)
