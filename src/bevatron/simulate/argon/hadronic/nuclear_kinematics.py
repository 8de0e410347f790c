"""Two particles that scatter, or decay. Compiled; four-vectors are (E, px, py, pz) in MeV.

Vectors are written component by component: numba takes seconds to compile slices that are assigned to, for the messages
of errors that cannot occur here.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled

NUCLEON_MASS = 938.918  # mean of proton and neutron
SEPARATION = 8.0  # MeV, of a nucleon


@compiled
def sample_unit_vector(out):
    """A unit vector, uniform in solid angle."""
    cosine, phi = 2.0 * np.random.random() - 1.0, 2.0 * math.pi * np.random.random()
    sine = math.sqrt(1.0 - cosine * cosine)
    out[0], out[1], out[2] = sine * math.cos(phi), sine * math.sin(phi), cosine


@compiled
def boost(vector, velocity, sign):
    """In place: to a frame in which what was at rest moves with sign times `velocity`."""
    beta2 = velocity[0] ** 2 + velocity[1] ** 2 + velocity[2] ** 2
    if beta2 <= 0.0:
        return
    gamma = 1.0 / math.sqrt(1.0 - beta2)
    along = sign * (velocity[0] * vector[1] + velocity[1] * vector[2] + velocity[2] * vector[3])
    factor = (gamma - 1.0) * along / beta2 + gamma * vector[0]
    vector[0] = gamma * (vector[0] + along)
    for k in range(3):
        vector[k + 1] += sign * velocity[k] * factor


@compiled
def scatter_two_bodies(first, second, mass_first, mass_second, slope, p_wave):
    """In place: both scatter, or become particles of these masses; False below the threshold.

    slope: of exp(slope t) in 1/MeV², around the first one's direction; 0: isotropic, or with p_wave 1 + 3 cos²θ, as
    where the Δ is formed.
    """
    total, velocity, before = np.empty(4), np.empty(3), np.empty(4)
    for k in range(4):
        total[k] = first[k] + second[k]
        before[k] = first[k]
    s = total[0] ** 2 - total[1] ** 2 - total[2] ** 2 - total[3] ** 2
    root = math.sqrt(max(s, 0.0))
    if root <= mass_first + mass_second:
        return False
    for k in range(3):
        velocity[k] = total[k + 1] / total[0]
    boost(before, velocity, -1.0)
    length = math.sqrt(before[1] ** 2 + before[2] ** 2 + before[3] ** 2)
    energy = (s + mass_first**2 - mass_second**2) / (2.0 * root)
    momentum = math.sqrt(max(energy**2 - mass_first**2, 0.0))
    direction = np.empty(3)
    sample_unit_vector(direction)
    if length > 0.0 and (slope > 0.0 or p_wave):
        axis, across = np.empty(3), np.empty(3)
        for k in range(3):
            axis[k] = before[k + 1] / length
        cosine = sample_scattering_cosine(slope, p_wave, 2.0 * length * momentum)
        along = direction[0] * axis[0] + direction[1] * axis[1] + direction[2] * axis[2]
        for k in range(3):
            across[k] = direction[k] - along * axis[k]
        norm = math.sqrt(across[0] ** 2 + across[1] ** 2 + across[2] ** 2)
        if norm > 0.0:
            factor = math.sqrt(1.0 - cosine**2) / norm
            for k in range(3):
                direction[k] = cosine * axis[k] + factor * across[k]
    first[0] = energy
    for k in range(3):
        first[k + 1] = momentum * direction[k]
    boost(first, velocity, 1.0)
    for k in range(4):
        second[k] = total[k] - first[k]
    return True


@compiled
def sample_scattering_cosine(slope, p_wave, span):
    """Of the angle in the centre of mass; span: 2 p p', by which 1 - cosine is multiplied to give -t."""
    if p_wave:
        while True:
            cosine = 2.0 * np.random.random() - 1.0
            if 4.0 * np.random.random() < 1.0 + 3.0 * cosine**2:
                return cosine
    reach = slope * span
    if reach < 1e-6:
        return 2.0 * np.random.random() - 1.0
    return 1.0 + math.log(1.0 - np.random.random() * (1.0 - math.exp(-2.0 * reach))) / reach
