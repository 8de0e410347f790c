"""Particles shot along z into liquid argon."""

from collections.abc import Callable

import numpy as np
import pytest

from bevatron.simulate.argon.tracking.cuts import Cuts
from bevatron.simulate.argon.tracking.event import Box, Deposits, Primaries
from bevatron.simulate.argon.tracking.particles import mass_of
from bevatron.simulate.argon.tracking.transport import transport

LARGE = Box((-1500.0, -1500.0, -500.0), (1500.0, 1500.0, 3000.0))


def beam(pdg: int, kinetic: float, n: int, place: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Primaries:
    """One particle an event, from `place` along z."""
    momentum = np.zeros((n, 3))
    momentum[:, 2] = np.sqrt(kinetic * (kinetic + 2 * mass_of(pdg)))
    return Primaries(
        event=np.arange(n),
        pdg=np.full(n, pdg, np.int32),
        origin=np.zeros(n, np.int32),
        position=np.tile(place, (n, 1)).astype(float),
        time=np.zeros(n),
        momentum=momentum,
    )


@pytest.fixture(scope="session", name="beam")
def beam_fixture() -> Callable[..., Primaries]:
    return beam


@pytest.fixture(scope="session")
def shoot() -> Callable[..., Deposits]:
    """shoot(pdg, kinetic, n, box=LARGE, seed=1, **cuts): deposits of n events."""

    def shoot(pdg: int, kinetic: float, n: int, box: Box = LARGE, seed: int = 1, **cuts: float) -> Deposits:
        return transport(beam(pdg, kinetic, n), n, box, Cuts(**cuts), seed)

    return shoot
