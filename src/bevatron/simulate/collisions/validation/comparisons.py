"""Comparisons of generated collisions with published numbers, for `bevatron validate-source` and the source `jets`."""

from collections.abc import Sequence

import numpy as np

from bevatron.raw.comparison import Comparison, Curve, Value, compare_values, fraction_and_error, mean_and_error
from bevatron.simulate.collisions.validation import published
from bevatron.simulate.collisions.validation.decays import HadronDecays
from bevatron.simulate.collisions.validation.samples import (
    BEAM,
    Z_QUARKS,
    ZDecays,
    count_in_jets,
    generate_hadrons,
    generate_z,
    seeds_of,
)

Z_EVENTS = 3_000  # of each kind of quark
JET_EVENTS = 200  # for each bin of the jets' pt
OWN_EVENTS = 200  # of each process of the study
BARYONS = 5_000  # PDG numbers of b baryons are larger
FEW = 10  # with fewer hadrons no lifetime is given


def compute_comparisons(
    own: Sequence[list[str]], settings: Sequence[str], interactions: bool, seed: int
) -> list[Comparison]:
    """Compares the fragmentation, decay lengths, kinds and decays of heavy hadrons, and numbers of charged particles.

    own: Pythia's settings for each of the study's processes; settings: the study's additional settings, which are
    applied to all samples here, but strange hadrons decay in all Z decays; interactions: whether there are multiple
    parton interactions.
    """
    seeds = seeds_of(seed, len(Z_QUARKS) + len(own) + 1)
    z = {
        quarks: generate_z(quarks, Z_EVENTS, settings, own_seed)
        for quarks, own_seed in zip(Z_QUARKS, seeds, strict=False)
    }
    collisions = [
        generate_hadrons(of_process, OWN_EVENTS, own_seed)
        for of_process, own_seed in zip(own, seeds[len(Z_QUARKS) : -1], strict=True)
    ]
    in_pp = HadronDecays.concatenate(collisions)
    hadrons = HadronDecays.concatenate([*(sample.hadrons for sample in z.values()), in_pp])
    return [
        compare_beauty_fragmentation(z["b"]),
        compare_charm_fragmentation(z),
        compare_decay_lengths(hadrons),
        compare_lifetimes(hadrons),
        compare_fractions(z["b"].hadrons, in_pp),
        compare_decays(z),
        compare_events(z),
        compare_jets(count_in_jets(interactions, JET_EVENTS, settings, seeds[-1])),
    ]


def compare_beauty_fragmentation(z: ZDecays) -> Comparison:
    """Compares the energy of b hadrons, as a fraction of the beam's energy."""
    x = z.hadrons.energy[z.hadrons.quark == 5] / BEAM
    mean, error = mean_and_error(x)
    measured, its_error = published.X_B_MEAN
    pull = (mean - measured) / np.hypot(error, its_error)
    return Comparison(
        "b_fragmentation",
        f"Weakly decaying b hadrons of Z → bb (DELPHI, arXiv:1102.4748). Mean of x: {mean:.4f} ± {error:.4f}; measured "
        f"by ALEPH, DELPHI, OPAL and SLD together: {measured} ± {its_error} ({pull:+.1f}σ).",
        "energy of the b hadron / energy of the beam, x",
        "1/N dN/dx",
        [
            Curve.of("DELPHI", _middle(published.X_B_EDGES), published.X_B, published.X_B_ERROR, published=True),
            _density("Pythia", x, published.X_B_EDGES, len(x)),
        ],
    )


def compare_charm_fragmentation(z: dict[str, ZDecays]) -> Comparison:
    """Compares the energy of D*±, as a fraction of the beam's, in hadronic Z decays to all kinds of quarks."""
    edges, width = published.D_STAR_EDGES, np.diff(published.D_STAR_EDGES)
    of_quarks = {"b": published.R_B, "c": published.R_C, "uds": 1 - published.R_B - published.R_C}
    density, variance = np.zeros(len(width)), np.zeros(len(width))
    for quarks, fraction in of_quarks.items():
        counts = np.histogram(z[quarks].d_star / BEAM, edges)[0]
        density += fraction / len(z[quarks].charged) * counts
        variance += (fraction / len(z[quarks].charged)) ** 2 * counts
    norm, reference = max(density.sum(), 1e-30), published.D_STAR.sum() * width
    return Comparison(
        "c_fragmentation",
        "D*± of hadronic Z decays, from charm and from b hadrons, normalised to one above x = 0.1 (ALEPH, Eur. Phys. "
        "J. C 16 (2000) 597).",
        "energy of the D*± / energy of the beam, x",
        "1/N dN/dx",
        [
            Curve.of(
                "ALEPH",
                _middle(edges),
                published.D_STAR / reference,
                published.D_STAR_ERROR / reference,
                published=True,
            ),
            Curve.of("Pythia", _middle(edges), density / norm / width, np.sqrt(variance) / norm / width),
        ],
    )


def compare_decay_lengths(hadrons: HadronDecays) -> Comparison:
    """Compares the proper decay lengths of B⁺ and D⁰ with the exponentials of their lifetimes."""
    curves, ours = [], []
    edges = np.linspace(0, 2000, 21)
    x = np.linspace(0, 2000, 100)
    for number in (521, 421):
        name, lifetime, _ = published.LIFETIMES[number]
        scale = lifetime * published.C
        seen = x < 8 * scale
        curves.append(Curve.of(f"{name}, PDG", x[seen], np.exp(-x[seen] / scale) / scale, published=True))
        length = hadrons.length[hadrons.pdg_id == number]
        ours.append(_density(f"{name}, Pythia", length, edges, len(length), filled=True))
    return Comparison(
        "decay_lengths",
        "Proper decay lengths: flight length times mass over momentum. The lines are exp(−l/cτ)/cτ with the lifetimes "
        "of the Particle Data Group.",
        "proper decay length [µm]",
        "density [1/µm]",
        [*curves, *ours],
        log_y=True,
        line=True,
    )


def compare_lifetimes(hadrons: HadronDecays) -> Comparison:
    """Compares mean proper decay lengths, which are the maximum-likelihood estimates of cτ."""
    values = []
    for number, (name, lifetime, error) in published.LIFETIMES.items():
        length = hadrons.length[hadrons.pdg_id == number]
        mean, its_error = mean_and_error(length) if len(length) >= FEW else (np.nan, np.nan)
        values.append(Value(name, mean, its_error, lifetime * published.C, error * published.C))
    caption = "Mean proper decay lengths cτ in µm; the generator's lifetimes are of an earlier edition."
    return compare_values("lifetimes", caption, "cτ / published", "PDG 2022", values)


def compare_fractions(at_z: HadronDecays, in_pp: HadronDecays) -> Comparison:
    """Compares the fractions of the kinds of b hadrons."""
    kinds = at_z.pdg_id[at_z.quark == 5]
    mesons, strange = np.isin(kinds, (511, 521)).sum(), (kinds == 531).sum()
    counted = (mesons, strange, (kinds > BARYONS).sum())
    ours = [fraction_and_error(int(count), len(kinds)) for count in counted]
    ours[0] = (ours[0][0] / 2, ours[0][1] / 2)
    values = [
        Value(name, *own, *theirs) for (name, theirs), own in zip(published.Z_FRACTIONS.items(), ours, strict=True)
    ]
    kinds = in_pp.pdg_id[in_pp.quark == 5]
    mesons = int(np.isin(kinds, (511, 521)).sum())
    for (name, theirs), count in zip(
        published.PP_FRACTIONS.items(), ((kinds == 531).sum(), (kinds == 5122).sum()), strict=True
    ):
        ratio = count / mesons if mesons and count else np.nan
        values.append(Value(name, ratio, ratio * np.sqrt(1 / max(count, 1) + 1 / max(mesons, 1)), *theirs))
    caption = (
        "Kinds of b hadrons at the Z (PDG 2022) and in the study's proton collisions (LHCb at 13 TeV, hadrons of pt 4 "
        "to 25 GeV and η 2 to 5, arXiv:1902.06794; ours are those of all pt and η). Pythia's default makes "
        "fewer baryons."
    )
    return compare_values("fractions", caption, "fraction / published", "PDG, LHCb", values)


def compare_decays(z: dict[str, ZDecays]) -> Comparison:
    """Compares decays of b hadrons, from Z → bb, and of charmed mesons, from all Z decays."""
    b = z["b"].hadrons.take(z["b"].hadrons.quark == 5)
    mesons = b.take(np.isin(b.pdg_id, (511, 521)))
    every = HadronDecays.concatenate([sample.hadrons for sample in z.values()])
    lepton, error = fraction_and_error(int(b.electrons.sum() + b.muons.sum()), 2 * len(b.quark))
    d0 = every.take(every.pdg_id == 421)
    values = [
        Value("b: n", *mean_and_error(b.charged_without), *published.B_CHARGED),
        Value("B: n\n+K⁰,Λ", *mean_and_error(mesons.charged), *published.B_CHARGED_ALL),
        Value("b → ℓ", lepton, error, *published.B_LEPTON),
        Value("b → c", *mean_and_error(b.charm), *published.B_CHARM),
        Value(
            "D⁰\n4 prong",
            *fraction_and_error(int((d0.charged_without == 4).sum()), len(d0.quark)),
            *published.D0_FOUR_PRONGS,
        ),
    ]
    for number, (name, branching, its_error) in published.D_ELECTRON.items():
        of_kind = every.take(every.pdg_id == number)
        ours = fraction_and_error(int(of_kind.electrons.sum()), len(of_kind.quark))
        values.append(Value(name.replace(" → ", "\n→ "), *ours, branching, its_error))
    caption = (
        "Decays. n: charged particles from a b hadron without those of K⁰ and Λ (PDG 2022, DELPHI), and from B⁺ and B⁰ "
        "with them (CLEO, hep-ex/9907057); leptons that come directly from the hadron, mean of e and µ; charm quarks "
        "and antiquarks; D⁰ to four charged particles, K⁰ being neutral, pairs of e from π⁰ included; electrons of "
        "charmed mesons (all PDG 2022)."
    )
    return compare_values("decays", caption, "simulation / published", "PDG, CLEO", values)


def compare_events(z: dict[str, ZDecays]) -> Comparison:
    """Compares the numbers of charged particles in hadronic Z decays."""
    names = {"uds": "Z → uds", "c": "Z → cc", "b": "Z → bb"}
    values = [
        Value(name, *mean_and_error(z[quarks].charged), *published.Z_CHARGED[quarks]) for quarks, name in names.items()
    ]
    caption = (
        "Charged particles of hadronic Z decays by quark, with those of K⁰_S and Λ (SLD, Phys. Lett. B 386 (1996) 475)."
    )
    return compare_values("events", caption, "charged particles / published", "SLD", values)


def compare_jets(counts: dict[float, list[tuple[float, float]]]) -> Comparison:
    """Compares the numbers of charged particles in jets against the jets' pt."""
    pt = _middle(published.JET_PT_EDGES)
    curves, ours = [], []
    for least, (mean, error) in published.JET_CHARGED.items():
        curves.append(Curve.of(f"ATLAS, pt > {least:g} GeV", pt, mean, error, published=True))
        found = np.array(counts[least])
        some = np.isfinite(found[:, 0])
        ours.append(Curve.of(f"Pythia, pt > {least:g} GeV", pt[some], found[some, 0], found[some, 1]))
    return Comparison(
        "jets",
        "Charged particles in the two leading jets of proton collisions at 8 TeV, of particles above two thresholds of "
        "pt, K⁰ and Λ being stable (ATLAS, arXiv:1602.00988, mean of the forward and the central jet).",
        "pt of the jet [GeV]",
        "charged particles in the jet",
        [*curves, *ours],
    )


def _middle(edges: np.ndarray) -> np.ndarray:
    return (edges[1:] + edges[:-1]) / 2


def _density(label: str, values: np.ndarray, edges: np.ndarray, n: int, filled: bool = False) -> Curve:
    """The density of values in bins, normalised to n values in total; filled: without empty bins."""
    counts, width = np.histogram(values, edges)[0], np.diff(edges) * max(n, 1)
    bins = counts > 0 if filled else np.ones(len(counts), bool)
    return Curve.of(label, _middle(edges)[bins], (counts / width)[bins], (np.sqrt(counts) / width)[bins])
