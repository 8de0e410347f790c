"""Toy events whose truth is known: prompt tracks, and decays at a distance."""

import numpy as np
import pytest

from bevatron.prepare.jets.jet_options import Tracking
from bevatron.prepare.tracking.detector import Tracks, measure_tracks
from bevatron.prepare.tracking.particles import NO_JET, Charged

PERFECT = Tracking(pt_min=1e-3, efficiency_scale=1.0, fake_rate=0.0, eta_max=10.0)


def particles(jet, momentum, vertex, charge=None, event=None) -> Charged:
    """Charged particles; by default each jet is an event of its own, and charges alternate."""
    jet = np.asarray(jet)
    charge = np.where(np.arange(len(jet)) % 2, 1.0, -1.0) if charge is None else charge
    return Charged(jet, jet if event is None else event, np.asarray(momentum, float), np.asarray(vertex, float), charge)


def momenta(pt, eta, phi) -> np.ndarray:
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)


def seen(toy: Charged, collisions: np.ndarray, seed: int, options: Tracking = PERFECT) -> Tracks:
    """Measured tracks, none lost."""

    class Lucky(np.random.Generator):
        def random(self, *arguments, **keywords):
            return np.zeros(*arguments, **keywords)

    return measure_tracks(toy, collisions, options, Lucky(np.random.Philox(seed)))


def prompt_event(events: int, tracks: int, seed: int) -> Charged:
    """Tracks from the collision, outside of jets; pt falls as in minimum-bias events."""
    random = np.random.default_rng(seed)
    n = events * tracks
    pt, eta = 0.5 + random.exponential(0.8, n), random.uniform(-2.5, 2.5, n)
    made = momenta(pt, eta, random.uniform(-np.pi, np.pi, n))
    return particles(np.full(n, NO_JET), made, np.zeros((n, 3)), event=np.repeat(np.arange(events), tracks))


def decays(jets: int, tracks: int, flight: float, seed: int) -> tuple[Charged, np.ndarray, np.ndarray]:
    """In each jet `tracks` particles from one point, `flight` mm from the collision on average (exponential, but
    never below a third of it), along the jet's axis; the particles, the points and the axes."""
    random = np.random.default_rng(seed)
    eta, phi = random.uniform(-2, 2, jets), random.uniform(-np.pi, np.pi, jets)
    axis = momenta(np.ones(jets), eta, phi)
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    point = axis * np.maximum(random.exponential(flight, jets), flight / 3)[:, None]
    n = jets * tracks
    jet = np.repeat(np.arange(jets), tracks)
    pt = random.uniform(1.5, 10.0, n)
    made = momenta(pt, eta[jet] + random.normal(0, 0.15, n), phi[jet] + random.normal(0, 0.15, n))
    return particles(jet, made, point[jet]), point, axis


def two_bodies(n, masses, mother, seed, flight=12.0):
    """Decays of a particle of mass `mother` into two, isotropic, its pt 4 to 12 GeV; particles, points, axes."""
    random = np.random.default_rng(seed)
    size = np.sqrt((mother**2 - sum(masses) ** 2) * (mother**2 - (masses[0] - masses[1]) ** 2)) / (2 * mother)
    cosine, turn = random.uniform(-1, 1, n), random.uniform(-np.pi, np.pi, n)
    sine = np.sqrt(1 - cosine**2)
    rest = size * np.stack([sine * np.cos(turn), sine * np.sin(turn), cosine], axis=1)
    eta, phi = random.uniform(-1.5, 1.5, n), random.uniform(-np.pi, np.pi, n)
    total = momenta(random.uniform(4, 12, n), eta, phi)
    energy = np.sqrt((total**2).sum(axis=1) + mother**2)
    made = []
    for sign, mass in zip((1, -1), masses, strict=True):
        own = np.sqrt(size**2 + mass**2)
        along = (total * rest).sum(axis=1) * sign
        made.append(sign * rest + total * (along / (energy + mother) + own)[:, None] / mother)
    axis = total / np.linalg.norm(total, axis=1, keepdims=True)
    point = axis * random.uniform(0.5, 1.5, n)[:, None] * flight
    momentum = np.stack(made, axis=1).reshape(-1, 3)
    jet = np.repeat(np.arange(n), 2)
    return particles(jet, momentum, np.repeat(point, 2, axis=0), np.tile([1.0, -1.0], n)), point, axis


def pulls(found: np.ndarray, truth: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Differences in units of the square root of the covariance: (n, m), independent, unit if it is right."""
    lower = np.linalg.cholesky(covariance)
    return np.linalg.solve(lower, (found - truth)[:, :, None])[:, :, 0]


@pytest.fixture(scope="session")
def toy():
    class Toy:
        pass

    for made in (particles, momenta, seen, prompt_event, decays, two_bodies, pulls):
        setattr(Toy, made.__name__, staticmethod(made))
    return Toy
