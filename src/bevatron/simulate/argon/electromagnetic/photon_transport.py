"""A photon's way through argon, collision by collision. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.electromagnetic.photon_collisions import compton, make_pair, photo_electron
from bevatron.simulate.argon.tracking.material import LIGHT
from bevatron.simulate.argon.tracking.space import inside
from bevatron.simulate.argon.tracking.stack import (
    ESCAPED,
    EVENT,
    KINETIC,
    PARENT,
    PRIMARY,
    TIME,
    UX,
    UY,
    UZ,
    WAY,
    X,
    Y,
    Z,
    put_back,
    short_of_room,
)
from bevatron.simulate.argon.tracking.tables import COMPTON, PAIR, PHOTOELECTRIC, place

SOFTEST = 0.01  # MeV: a photon with less, which goes less than 0.1 mm, is absorbed where it is


@compiled
def follow_photon(particle, work, tables, conversion):
    """Until it is absorbed, leaves, or room grows short, when it goes back to the stack as it is.

    conversion (primaries of this event,): a primary photon's way to its first interaction is written there.
    """
    while True:
        if short_of_room(work):
            put_back(particle, work)
            return
        photon = particle[KINETIC]
        point, rest = place(photon)
        rates = tables.photons
        scatters = rates[point, COMPTON] + rest * (rates[point + 1, COMPTON] - rates[point, COMPTON])
        pairs = rates[point, PAIR] + rest * (rates[point + 1, PAIR] - rates[point, PAIR])
        absorbed = rates[point, PHOTOELECTRIC] + rest * (rates[point + 1, PHOTOELECTRIC] - rates[point, PHOTOELECTRIC])
        total = scatters + pairs + absorbed
        way = np.random.exponential() / total if photon > SOFTEST else 0.0
        x, y, z = particle[X] + way * particle[UX], particle[Y] + way * particle[UY], particle[Z] + way * particle[UZ]
        if not inside(x, y, z, work.box):
            work.budget[work.counts[EVENT], ESCAPED] += photon
            return
        particle[X], particle[Y], particle[Z] = x, y, z
        particle[TIME] += way / LIGHT
        particle[WAY] += way
        if particle[PARENT] < 0.0 and math.isnan(conversion[int(particle[PRIMARY])]):
            conversion[int(particle[PRIMARY])] = particle[WAY]
        choice = np.random.random() * total
        if photon > SOFTEST and choice < scatters:
            compton(particle, work.stack, work.counts)
        elif photon > SOFTEST and choice < scatters + pairs:
            make_pair(particle, work)
            return
        else:
            photo_electron(particle, work.stack, work.counts)
            return
