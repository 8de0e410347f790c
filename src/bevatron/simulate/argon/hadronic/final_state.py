"""What becomes of a neutrino interaction's hadrons on their way out of the nucleus. Compiled; MeV."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.cascade import run_cascade
from bevatron.simulate.argon.hadronic.nuclear import evaporate_after
from bevatron.simulate.argon.hadronic.nuclear_kinematics import SEPARATION
from bevatron.simulate.argon.hadronic.nucleus import NUCLEONS, sample_point
from bevatron.simulate.argon.hadronic.walk import COLUMNS, NEUTRON, ROWS, put_at, size_of


@compiled
def leave_nucleus(codes, kinetic, directions, excitation, seed, out):
    """Runs pions and nucleons, codes (k,), kinetic (k,) as far outside and directions (k, 3), from one place in the
    nucleus where nucleons are, through the cascade, and evaporates the rest.

    excitation: of the nucleus before that. Fills `out` (64, 5) as `interact` does and returns the number of its rows;
    what they carry, pions' rest energy and separation energies included, is what came in and at most `excitation`.
    """
    np.random.seed(seed)
    walk, point, direction = np.empty((ROWS, COLUMNS)), np.empty(3), np.empty(3)
    sample_point(NUCLEONS, point)
    energy = excitation
    for k in range(len(codes)):
        size = size_of(codes[k])
        charge = 0 if codes[k] in (111, NEUTRON) else 1 if codes[k] > 0 else -1
        for axis in range(3):
            direction[axis] = directions[k, axis]
        put_at(walk, k, size, charge, kinetic[k], direction, point)
        energy += kinetic[k] + size * SEPARATION
    n, _, made = run_cascade(walk, len(codes), out)
    return evaporate_after(out, n, energy - made)
