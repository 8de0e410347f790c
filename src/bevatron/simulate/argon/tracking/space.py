"""Straight lines through the box. Compiled; cm."""

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
def fraction_inside(particle, x, y, z, box):
    """The fraction of the line from the particle's position, inside, to (x, y, z), outside, that lies in the box."""
    fraction = 1.0
    for axis, end in enumerate((x, y, z)):
        start = particle[X + axis]
        wall = box[0, axis] if end < box[0, axis] else box[1, axis] if end > box[1, axis] else end
        if wall != end and end != start:
            fraction = min(fraction, max(0.0, (wall - start) / (end - start)))
    return fraction


@compiled
def distance_to_box(particle, box):
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
def move_to_box(particle, distance, box):
    """Moves a particle straight on to the box's wall, not a rounding error beyond it."""
    for axis in range(3):
        position = particle[X + axis] + distance * particle[UX + axis]
        particle[X + axis] = min(max(position, box[0, axis]), box[1, axis])
