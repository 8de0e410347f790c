"""From charged particles to measured tracks."""

from dataclasses import dataclass

import numpy as np

from bevatron.prepare.jets.jet_options import BeamSpot, Tracking
from bevatron.prepare.tracking.covariance import covariance, smear
from bevatron.prepare.tracking.efficiency import efficiency
from bevatron.prepare.tracking.helix import perigee
from bevatron.prepare.tracking.particles import NO_JET, Charged, rows_within_reach

PROMPT = 0.01  # mm: made nearer to the collision than this, a particle counts as made in it
FAKE_TRACK = -1  # for fake tracks, in place of the number of their particle
FAKE_ANGLE, FAKE_D0, FAKE_Z0 = 0.03, 1.0, 1.0  # rad, mm, mm: widths of the random changes that make fake tracks


@dataclass(frozen=True)
class Tracks:
    """Measured tracks, jet by jet and then those outside of jets: jet (n,) or NO_JET, event (n,); parameters (n,
    5) of (d0, z0, phi, theta, q/p) to the beam line in mm, rad, 1/GeV, and their covariance (n, 5, 5).

    prompt (n,) bool marks tracks of particles made in the collision: known to simulations alone, and used only to
    calibrate resolutions.
    """

    jet: np.ndarray
    event: np.ndarray
    parameters: np.ndarray
    covariance: np.ndarray
    prompt: np.ndarray

    def __len__(self) -> int:
        return len(self.jet)

    @property
    def pt(self) -> np.ndarray:
        """Transverse momentum (n,) in GeV."""
        return np.sin(self.parameters[:, 3]) / np.abs(self.parameters[:, 4])

    @property
    def eta(self) -> np.ndarray:
        """Pseudorapidity (n,)."""
        return -np.log(np.tan(self.parameters[:, 3] / 2))

    def take(self, rows: np.ndarray) -> "Tracks":
        """The tracks at `rows` (integer indices), in that order."""
        columns = (self.jet, self.event, self.parameters, self.covariance, self.prompt)
        return Tracks(*(column[rows] for column in columns))


def sample_collision_points(events: int, beam: BeamSpot, random: np.random.Generator) -> np.ndarray:
    """Where each event's protons meet, (events, 3) in mm."""
    return random.standard_normal((events, 3)) * (beam.sigma_x, beam.sigma_y, beam.sigma_z)


def trace_tracks(
    particles: Charged, collisions: np.ndarray, options: Tracking, random: np.random.Generator
) -> tuple[Tracks, np.ndarray]:
    """The tracks of `particles` from `collisions` (n_events, 3) in mm, and the number of each track's particle (n,).

    A particle within the tracker's acceptance has a track with the probability of
    `bevatron.prepare.tracking.efficiency`. The perigee parameters of its helix at the beam line are smeared with the
    covariance at their true values. The covariance of the track is that at the measured values. Fake tracks, with the
    number FAKE_TRACK, are added to jets. Particles do not interact with the material of the detector, and photons do
    not convert.
    """
    row = rows_within_reach(particles, options.pt_min, options.eta_max, options.radius_max)
    visible = particles.take(row)
    is_found = random.random(len(visible.jet)) < options.efficiency_scale * efficiency(visible.pt, visible.eta)
    visible, row = visible.take(np.flatnonzero(is_found)), row[is_found]
    position = visible.vertex + collisions[visible.event]
    truth = perigee(visible.momentum, position, visible.charge, options.field).parameters
    noise = random.standard_normal((len(truth), 5))
    parameters = smear(truth, covariance(truth, options.resolution_scale), noise)
    prompt = (visible.vertex**2).sum(axis=1) < PROMPT**2
    jet, event, parameters, prompt, row = _add_fakes(
        visible.jet, visible.event, parameters, prompt, row, options.fake_rate, random
    )
    parameters[:, 2] = np.remainder(parameters[:, 2] + np.pi, 2 * np.pi) - np.pi
    parameters[:, 3] = np.clip(parameters[:, 3], 1e-3, np.pi - 1e-3)
    return Tracks(jet, event, parameters, covariance(parameters, options.resolution_scale), prompt), row


def _add_fakes(
    jet: np.ndarray,
    event: np.ndarray,
    parameters: np.ndarray,
    prompt: np.ndarray,
    row: np.ndarray,
    rate: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """The same columns with fake tracks, which stand for combinations of hits of several particles.

    Each true track of a jet gets a fake track with the probability `rate`. It has the same momentum and a random
    charge. Its direction and z0 are those of the true track plus Gaussian random numbers of the widths FAKE_ANGLE and
    FAKE_Z0. Its d0 is a Gaussian random number of the width FAKE_D0.
    """
    model = np.flatnonzero((random.random(len(jet)) < rate) & (jet != NO_JET))
    moved = parameters[model]
    widths = (FAKE_D0, FAKE_Z0, FAKE_ANGLE, FAKE_ANGLE)
    moved[:, :4] += random.standard_normal((len(model), 4)) * widths
    moved[:, 0] -= parameters[model, 0]  # d0 is random around the beam, and not around the true track's d0
    moved[:, 4] *= random.choice([-1.0, 1.0], len(model))
    order = np.argsort(np.concatenate([jet, jet[model]]).astype(np.uint64), kind="stable")  # NO_JET comes last
    untrue = np.zeros(len(model), bool), np.full(len(model), FAKE_TRACK)
    pairs = ((jet, jet[model]), (event, event[model]), (parameters, moved), (prompt, untrue[0]), (row, untrue[1]))
    return tuple(np.concatenate(pair)[order] for pair in pairs)
