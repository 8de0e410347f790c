"""Directions, and kinetic energies seen from frames that move along them."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled


@compiled
def basis(ux, uy, uz):
    """Two unit vectors across a unit vector (Duff et al., J. Comput. Graph. Tech. 6 (2017) 1)."""
    sign = 1.0 if uz >= 0.0 else -1.0
    a = -1.0 / (sign + uz)
    b = ux * uy * a
    return 1.0 + sign * ux * ux * a, sign * b, -sign * ux, b, sign + uy * uy * a, -uy


@compiled
def rotate(ux, uy, uz, cosine, phi):
    """The direction at an angle to (ux, uy, uz), azimuth `phi`."""
    ax, ay, az, bx, by, bz = basis(ux, uy, uz)
    sine = math.sqrt(max(0.0, 1.0 - cosine * cosine))
    a, b = sine * math.cos(phi), sine * math.sin(phi)
    vx, vy, vz = cosine * ux + a * ax + b * bx, cosine * uy + a * ay + b * by, cosine * uz + a * az + b * bz
    norm = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
    return vx * norm, vy * norm, vz * norm


@compiled
def sample_direction():
    """The three components of a unit vector, uniform in solid angle."""
    cosine, phi = 2.0 * np.random.random() - 1.0, 2.0 * math.pi * np.random.random()
    sine = math.sqrt(1.0 - cosine * cosine)
    return sine * math.cos(phi), sine * math.sin(phi), cosine


@compiled
def boost_to_laboratory(gamma, mass, kinetic, cosine):
    """Kinetic energy and cosine of the angle in the laboratory of a particle of `mass` and `kinetic` energy at an angle
    in a frame that moves with `gamma` along the axis.
    """
    energy, momentum = kinetic + mass, math.sqrt(kinetic * (kinetic + 2.0 * mass))
    speed = math.sqrt(max(0.0, gamma * gamma - 1.0))  # βγ
    along = gamma * momentum * cosine + speed * energy
    across2 = momentum * momentum * (1.0 - cosine * cosine)
    total = math.sqrt(along * along + across2)
    lab_kinetic = total * total / (math.sqrt(total * total + mass * mass) + mass) if mass > 0.0 else total
    return lab_kinetic, along / total if total > 0.0 else 1.0
