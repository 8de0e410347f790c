"""Ways through the box. Compiled; cm."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.stack import UX, X, Y, Z


@compiled
def inside(x, y, z, box):
    """Whether a point lies in the box (2, 3) of low and high corners, walls included."""
    return (
        box[0, 0] <= x <= box[1, 0] and box[0, 1] <= y <= box[1, 1] and box[0, 2] <= z <= box[1, 2]
    )  # box (2, 3): low and high corners


@compiled
def share_inside(particle, x, y, z, box):
    """Of the straight piece from the particle's place, inside, to (x, y, z), outside, the fraction up to the wall."""
    fraction = 1.0
    for axis, end in enumerate((x, y, z)):
        start = particle[X + axis]
        wall = box[0, axis] if end < box[0, axis] else box[1, axis] if end > box[1, axis] else end
        if wall != end and end != start:
            fraction = min(fraction, max(0.0, (wall - start) / (end - start)))
    return fraction


@compiled
def way_to_box(particle, box):
    """How far a particle flies until it is inside: 0 if it is, -1 if it never will be."""
    if inside(particle[X], particle[Y], particle[Z], box):
        return 0.0
    enter, leave = 0.0, np.inf
    for axis in range(3):
        start, speed = particle[X + axis], particle[UX + axis]
        if speed == 0.0:
            if start < box[0, axis] or start > box[1, axis]:
                return -1.0
            continue
        near, far = (box[0, axis] - start) / speed, (box[1, axis] - start) / speed
        enter, leave = max(enter, min(near, far)), min(leave, max(near, far))
    return enter if enter < leave else -1.0


@compiled
def fly(particle, way, box):
    """Moves a particle straight on to the box's wall, not a rounding error beyond it."""
    for axis in range(3):
        place = particle[X + axis] + way * particle[UX + axis]
        particle[X + axis] = min(max(place, box[0, axis]), box[1, axis])
