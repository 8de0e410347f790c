"""Follows a photon through argon, collision by collision. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.electromagnetic.photon_collisions import emit_photoelectron, make_pair, scatter_compton
from bevatron.simulate.argon.tracking.material import LIGHT
from bevatron.simulate.argon.tracking.space import inside
from bevatron.simulate.argon.tracking.stack import (
    ESCAPED,
    EVENT,
    KINETIC,
    PARENT,
    PATH,
    PRIMARY,
    TIME,
    UX,
    UY,
    UZ,
    X,
    Y,
    Z,
    needs_growth,
    put_back,
)
from bevatron.simulate.argon.tracking.tables import COMPTON, PAIR, PHOTOELECTRIC, locate_energy

MIN_PHOTON_ENERGY = 0.01  # MeV: a photon with less, which goes less than 0.1 mm, is absorbed where it is


@compiled
def follow_photon(particle, work, tables, conversion):
    """Follows the photon until it is absorbed or leaves. It returns to the stack when the arrays are nearly full.

    conversion (primaries of this event,): a primary photon's distance to its first interaction is written there.
    """
    while True:
        if needs_growth(work):
            put_back(particle, work)
            return
        photon = particle[KINETIC]
        point, fraction = locate_energy(photon)
        rates = tables.photons
        scatters = rates[point, COMPTON] + fraction * (rates[point + 1, COMPTON] - rates[point, COMPTON])
        pairs = rates[point, PAIR] + fraction * (rates[point + 1, PAIR] - rates[point, PAIR])
        absorbed = rates[point, PHOTOELECTRIC] + fraction * (
            rates[point + 1, PHOTOELECTRIC] - rates[point, PHOTOELECTRIC]
        )
        total = scatters + pairs + absorbed
        path = np.random.exponential() / total if photon > MIN_PHOTON_ENERGY else 0.0
        x, y, z = (
            particle[X] + path * particle[UX],
            particle[Y] + path * particle[UY],
            particle[Z] + path * particle[UZ],
        )
        if not inside(x, y, z, work.box):
            work.budget[work.counts[EVENT], ESCAPED] += photon
            return
        particle[X], particle[Y], particle[Z] = x, y, z
        particle[TIME] += path / LIGHT
        particle[PATH] += path
        if particle[PARENT] < 0.0 and math.isnan(conversion[int(particle[PRIMARY])]):
            conversion[int(particle[PRIMARY])] = particle[PATH]
        choice = np.random.random() * total
        if photon > MIN_PHOTON_ENERGY and choice < scatters:
            scatter_compton(particle, work.stack, work.counts)
        elif photon > MIN_PHOTON_ENERGY and choice < scatters + pairs:
            make_pair(particle, work)
            return
        else:
            emit_photoelectron(particle, work.stack, work.counts)
            return
