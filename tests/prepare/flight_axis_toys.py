"""Toy decay chains along a flight axis, whose truth is known."""

import numpy as np

FIELD = 2.0
PION, KAON = 0.13957, 0.49761
CERTAIN = np.diag([1e-4, 1e-4, 4e-4])  # mm²: the toys' primary vertices, 10 µm across and 20 µm along the beam
AXIS_ERRORS = (0.07, 0.065)


def chains_of(toy, jets, distances, seed):
    """Jets with one particle from each of these distances (mm) along the flight; tracks, flight phi and theta."""
    random = np.random.default_rng(seed)
    n = len(distances)
    eta, phi = random.uniform(-2, 2, jets), random.uniform(-np.pi, np.pi, jets)
    flight = toy.momenta(np.ones(jets), eta, phi)
    flight /= np.linalg.norm(flight, axis=1, keepdims=True)
    jet = np.repeat(np.arange(jets), n)
    pt = random.uniform(2.0, 15.0, len(jet))
    momentum = toy.momenta(pt, eta[jet] + random.normal(0, 0.15, len(jet)), phi[jet] + random.normal(0, 0.15, len(jet)))
    made = toy.particles(jet, momentum, flight[jet] * np.tile(distances, jets)[:, None])
    return toy.seen(made, np.zeros((jets, 3)), seed + 1), flight, phi, np.arctan2(1.0, np.sinh(eta))
