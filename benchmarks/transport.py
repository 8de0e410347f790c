"""Particles a second through liquid argon, on one core, against what is required.

    python benchmarks/transport.py [--particles 1000]

Electrons and negative muons of 500 MeV, with the default cuts, in a box that holds all they do; everything that comes
of them is followed. Compiled code lies in its cache and the tables are made, as after a job's first event. The
reference is the rate required: 1,000 electrons and 2,500 muons a second.
"""

import argparse
from statistics import median
from time import process_time

REQUIRED = {"electrons": (11, 1000.0), "negative muons": (13, 2500.0)}  # PDG code, 1/s
ENERGY = 500.0  # MeV
REPETITIONS = 5


def main(particles: int = 1000) -> list[dict]:
    """One row for each kind: ours and the required rate in particles/s, of the processor's time."""
    from readers import row

    found: dict[str, list[float]] = {name: [] for name in REQUIRED}
    for name, (pdg, _) in REQUIRED.items():
        rate(pdg, 10, 0)  # compiles
        found[name] = [rate(pdg, particles, seed) for seed in range(1, REPETITIONS + 1)]
    return [
        row(f"transport: {name} of 500 MeV", median(found[name]), required, 1.0)
        for name, (_, required) in REQUIRED.items()
    ]


def rate(pdg: int, particles: int, seed: int) -> float:
    import numpy as np

    from bevatron.simulate.argon.tracking.cuts import Cuts
    from bevatron.simulate.argon.tracking.event import Box, Primaries
    from bevatron.simulate.argon.tracking.particles import mass_of
    from bevatron.simulate.argon.tracking.transport import transport

    momentum = np.zeros((particles, 3))
    momentum[:, 2] = np.sqrt(ENERGY * (ENERGY + 2 * mass_of(pdg)))
    primaries = Primaries(
        event=np.arange(particles),
        pdg=np.full(particles, pdg, np.int32),
        origin=np.zeros(particles, np.int32),
        position=np.zeros((particles, 3)),
        time=np.zeros(particles),
        momentum=momentum,
    )
    start = process_time()
    transport(primaries, particles, Box((-500.0, -500.0, -500.0), (500.0, 500.0, 1000.0)), Cuts(), seed)
    return particles / (process_time() - start)


if __name__ == "__main__":
    from readers import show

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, default=1000, help="of each kind and repetition")
    show(main(parser.parse_args().particles), "particles")
