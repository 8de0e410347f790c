"""The gun: where particles start, where they fly, and with what energy."""

import numpy as np
import pytest
from scipy.stats import kstest

from bevatron.simulate.argon.generators.gun import PDG, Gun, generate_shots, kinetic_of
from bevatron.simulate.argon.tracking.event import Box
from bevatron.simulate.argon.tracking.particles import mass_of

BOX = Box((-20, -100, 0), (230, 100, 500))


def shot(n=3_000, first=0, seed=1, **options):
    gun = Gun.model_validate({"particles": ["electron", "proton", "pion_zero"], **options})
    return generate_shots(gun, BOX, first, n, np.random.Generator(np.random.Philox(seed)))


def test_starts_are_uniform_within_the_margin():
    primaries, _ = shot(margin=40)
    for axis in range(3):
        low, high = BOX.low[axis] + 40, BOX.high[axis] - 40
        assert kstest(primaries.position[:, axis], "uniform", args=(low, high - low)).pvalue > 1e-3


def test_energies_are_uniform_and_momenta_belong_to_them():
    primaries, kind = shot(kinetic_energy=[200, 600])
    kinetic = kinetic_of(primaries.pdg, primaries.momentum)
    for k, name in enumerate(["electron", "proton", "pion_zero"]):
        assert kstest(kinetic[kind == k], "uniform", args=(200, 400)).pvalue > 1e-3
        mass = {"electron": 0.511, "proton": 938.272, "pion_zero": 134.977}[name]
        momentum = np.linalg.norm(primaries.momentum[kind == k], axis=1)
        np.testing.assert_allclose(momentum**2 + mass**2, (kinetic[kind == k] + mass) ** 2, rtol=1e-4)
        assert (primaries.pdg[kind == k] == PDG[name]).all()


def test_directions_are_isotropic():
    primaries, _ = shot()
    direction = primaries.momentum / np.linalg.norm(primaries.momentum, axis=1, keepdims=True)
    for axis in range(3):
        assert kstest(direction[:, axis], "uniform", args=(-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize("axis", [[0, 0, 3.0], [1.0, 0, 0], [-1.0, 2.0, 0.5]])
def test_a_cone_is_filled_evenly_about_its_axis(axis):
    primaries, _ = shot(axis=axis, half_angle=30)
    direction = primaries.momentum / np.linalg.norm(primaries.momentum, axis=1, keepdims=True)
    unit = np.array(axis) / np.linalg.norm(axis)
    cosine, edge = direction @ unit, np.cos(np.radians(30))
    assert kstest(cosine, "uniform", args=(edge, 1 - edge)).pvalue > 1e-3
    assert np.abs((direction - cosine[:, None] * unit).mean(0)).max() < 0.03


def test_kinds_take_turns_across_batches():
    _, kind = shot(n=10, first=4)
    assert kind.tolist() == [(4 + k) % 3 for k in range(10)]


def test_several_particles_an_event():
    primaries, kind = shot(per_event=[1, 4])
    counts = np.bincount(primaries.event, minlength=3_000)
    assert set(counts) == {1, 2, 3, 4}
    np.testing.assert_allclose(np.bincount(counts)[1:] / 3_000, 0.25, atol=0.04)
    first = np.searchsorted(primaries.event, np.arange(3_000))
    names = np.array([PDG[name] for name in ("electron", "proton", "pion_zero")])
    assert (primaries.pdg[first] == names[kind]).all()


def test_the_transport_knows_every_particle():
    assert all(mass_of(code) is not None for code in PDG.values())
