"""The transport through liquid argon beside published numbers: what `bevatron validate-source` draws."""

from collections.abc import Callable, Iterable

import numpy as np

from bevatron.raw.comparison import Comparison, Curve
from bevatron.simulate.argon.tracking.cuts import Cuts
from bevatron.simulate.argon.tracking.event import BUDGET_FEATURES, GUN, Box, Deposits, Primaries
from bevatron.simulate.argon.validation import published

MUONS, PHOTONS, DECAYS, SHOWERS, PROTONS, NEUTRONS = 40, 400, 2_000, 40, 100, 8_000  # of each energy
SLAB = 5.0  # cm of argon that neutrons cross
ATOMS = published.DENSITY / 39.948 * 0.602214076  # per cm and barn
SHOWER_ENERGY = 3_000.0  # MeV
ENDLESS = Box((-5_000.0, -5_000.0, -5_000.0), (5_000.0, 5_000.0, 5_000.0))
MASSES = {
    13: published.MUON_MASS,
    -13: published.MUON_MASS,
    11: published.ELECTRON_MASS,
    22: 0.0,
    2112: 939.565,
    2212: 938.272,
}


def compute_comparisons(cuts: Cuts, seed: int) -> list[Comparison]:
    """Ranges of muons, spectrum of Michel electrons, conversion of photons, showers' profiles, ranges of protons and
    neutrons' cross-sections, in that order.
    """
    return [
        compare_muon_range(cuts, seed),
        compare_michel(cuts, seed),
        compare_conversion(cuts, seed),
        compare_shower(cuts, seed),
        compare_proton_range(cuts, seed),
        compare_neutron_total(cuts, seed),
    ]


def compare_muon_range(cuts: Cuts, seed: int) -> Comparison:
    """Length of the paths of stopped μ⁺."""

    def mean(lengths: np.ndarray) -> tuple[float, float]:
        return lengths.mean(), lengths.std(ddof=1) / np.sqrt(len(lengths))

    caption = (
        "Mean path of stopping muons, and the range in the continuous-slowing-down approximation (Groom et al. 2001)."
    )
    return _compare_range("muon", -13, MUONS, published.MUON_RANGE, "Groom et al.", caption, mean, cuts, seed)


def compare_michel(cuts: Cuts, seed: int) -> Comparison:
    """Energy of the electrons from μ⁺ that decay at rest: the muon's mass less what the neutrinos take."""
    deposits = _transport_beam(-13, np.full(DECAYS, 10.0), cuts, seed)
    energy = published.MUON_MASS - deposits.budget[:, BUDGET_FEATURES.index("neutral")]
    edges = np.linspace(0, 56, 29)
    counts = np.histogram(energy, edges)[0]
    width = np.diff(edges)
    x = np.linspace(0, 56, 200)
    return Comparison(
        "michel",
        f"Energy of the positrons of {DECAYS:,} decayed muons, and Michel's spectrum without radiative corrections. "
        "Few muons decay before they stop.",
        "energy of the positron [MeV]",
        "density [1/MeV]",
        [
            Curve("Michel", x.tolist(), published.michel_spectrum(x).tolist(), published=True),
            _curve(
                "transport", (edges[1:] + edges[:-1]) / 2, counts / DECAYS / width, np.sqrt(counts) / DECAYS / width
            ),
        ],
        line=True,
    )


def compare_conversion(cuts: Cuts, seed: int) -> Comparison:
    """Mean way of a photon to its first interaction."""
    energies = np.array([50.0, 100.0, 200.0, 500.0, 1000.0, 3000.0])
    mean, error = [], []
    for energy in energies:
        distance = _transport_beam(22, np.full(PHOTONS, energy), cuts, seed).conversion
        mean.append(np.nanmean(distance))
        error.append(np.nanstd(distance, ddof=1) / np.sqrt(np.isfinite(distance).sum()))
    limit = 9 / 7 * published.RADIATION_LENGTH
    return Comparison(
        "conversion",
        "Mean distance to a photon's first interaction, and its limit at high energy, 9/7 of a radiation length (Tsai "
        "1974), which the cross-section approaches from below.",
        "energy of the photon [MeV]",
        "distance to the conversion [cm]",
        [
            Curve("9/7 X₀", [30.0, 4000.0], [limit, limit], published=True),
            _curve("transport", energies, mean, error),
        ],
        log_x=True,
        line=True,
    )


def compare_shower(cuts: Cuts, seed: int) -> Comparison:
    """Energy deposited along the axis of electrons' showers."""
    deposits = _transport_beam(11, np.full(SHOWERS, SHOWER_ENERGY), cuts, seed)
    depth = deposits.segments[:, [2, 5]].mean(1) / published.RADIATION_LENGTH
    edges = np.linspace(0, 16, 33)
    event, width = _event_of(deposits), np.diff(edges)
    profiles = np.stack(
        [np.histogram(depth[event == k], edges, weights=deposits.segments[event == k, 7])[0] for k in range(SHOWERS)]
    )
    profiles = profiles / (SHOWER_ENERGY * width)
    x = np.linspace(0, 16, 200)
    return Comparison(
        "shower",
        f"Energy deposited along showers of {SHOWER_ENERGY / 1000:g} GeV electrons, and the gamma distribution of the "
        "PDG's review with b = 0.5, which is a fit for such energies and above.",
        "depth [radiation lengths]",
        "dE/dt / E",
        [
            Curve("PDG", x.tolist(), published.shower_profile(x, SHOWER_ENERGY).tolist(), published=True),
            _curve(
                "transport", (edges[1:] + edges[:-1]) / 2, profiles.mean(0), profiles.std(0, ddof=1) / np.sqrt(SHOWERS)
            ),
        ],
        line=True,
    )


def compare_proton_range(cuts: Cuts, seed: int) -> Comparison:
    """Length of the paths of protons; the median, which the few that react before do not move."""

    def median(lengths: np.ndarray) -> tuple[float, float]:
        low, high = np.quantile(lengths, [0.25, 0.75])
        return float(np.median(lengths)), 1.25 * (high - low) / 1.35 / np.sqrt(len(lengths))  # of a Gaussian's median

    caption = (
        "Median path of stopping protons, and the range in the continuous-slowing-down approximation (NIST, PSTAR)."
    )
    return _compare_range("proton", 2212, PROTONS, published.PROTON_RANGE, "PSTAR", caption, median, cuts, seed)


def _compare_range(
    name: str,
    pdg: int,
    n: int,
    ranges: np.ndarray,
    whose: str,
    caption: str,
    summary: Callable[[np.ndarray], tuple[float, float]],
    cuts: Cuts,
    seed: int,
) -> Comparison:
    """The path lengths of n particles of each of the published energies, as a number and its error, in cm.

    ranges (k, 2): energies in MeV and published ranges in g/cm².
    """
    energies, table = ranges.T
    found = []
    for energy in energies:
        deposits = _transport_beam(pdg, np.full(n, energy), cuts, seed)
        own = deposits.ids[:, 2] < 0  # the particle itself, not what it made
        found.append(summary(np.bincount(_event_of(deposits)[own], deposits.segments[own, 6], minlength=n)))
    value, error = np.array(found).T
    return Comparison(
        f"{name}_range",
        caption,
        f"kinetic energy of the {name} [MeV]",
        "range [cm]",
        [
            Curve(whose, energies.tolist(), (table / published.DENSITY).tolist(), published=True),
            _curve("transport", energies, value, error),
        ],
        log_x=True,
        log_y=True,
    )


def compare_neutron_total(cuts: Cuts, seed: int) -> Comparison:
    """Total cross-section of neutrons, from the fraction that crosses a slab with all of its energy."""
    low, high, table, table_error = published.NEUTRON_TOTAL.T
    middle = np.sqrt(low * high)
    slab = Box((-SLAB, -SLAB, 0.0), (SLAB, SLAB, SLAB))
    found, error = [], []
    for first, last in zip(low, high, strict=True):
        kinetic = first + (last - first) * (np.arange(NEUTRONS) + 0.5) / NEUTRONS
        budget = _transport_beam(2112, kinetic, cuts, seed, slab).budget
        brought, escaped = (budget[:, BUDGET_FEATURES.index(name)] for name in ("brought", "escaped"))
        crossed = (escaped >= brought * (1 - 1e-12)).mean()
        found.append(-np.log(crossed) / (ATOMS * SLAB))
        error.append(np.sqrt((1 - crossed) / crossed / NEUTRONS) / (ATOMS * SLAB))
    return Comparison(
        "neutron_total",
        "Total cross-section of neutrons in argon: measured up to 1.3 MeV by Winters et al. (1991) and from 100 to "
        "800 MeV by CAPTAIN (2019), means over the intervals of energy; of the transport, from neutrons that cross "
        f"{SLAB:g} cm.",
        "kinetic energy of the neutron [MeV]",
        "total cross-section [b]",
        [
            Curve("measured", middle.tolist(), table.tolist(), table_error.tolist(), published=True),
            _curve("transport", middle, found, error),
        ],
        log_x=True,
    )


def _transport_beam(pdg: int, kinetic: np.ndarray, cuts: Cuts, seed: int, box: Box = ENDLESS) -> Deposits:
    """One particle an event, from the origin along z, in argon without end or in `box`."""
    from bevatron.simulate.argon.tracking.transport import transport

    n = len(kinetic)
    momentum = np.zeros((n, 3))
    momentum[:, 2] = np.sqrt(kinetic * (kinetic + 2 * MASSES[pdg]))
    primaries = Primaries(
        event=np.arange(n),
        pdg=np.full(n, pdg, np.int32),
        origin=np.full(n, GUN, np.int32),
        position=np.zeros((n, 3)),
        time=np.zeros(n),
        momentum=momentum,
    )
    return transport(primaries, n, box, cuts, seed)


def _event_of(deposits: Deposits) -> np.ndarray:
    return np.repeat(np.arange(len(deposits.offsets) - 1), np.diff(deposits.offsets))


def _curve(label: str, x: Iterable[float], y: Iterable[float], error: Iterable[float]) -> Curve:
    return Curve(label, [float(v) for v in x], [float(v) for v in y], [float(v) for v in error])
