"""The recipe `nanoaod_jets`: flavour, features and secondary vertices of jets from NanoAOD files."""

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, Real
from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.flavour import QUARKS
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

CM = 10.0  # in mm
VERTICES = {
    "vertex_mass": "GeV",
    "vertex_displacement": "mm",
    "vertex_delta_eta": "",
    "vertex_delta_phi": "rad",
    "vertex_displacement_significance": "",
    "vertex_n_tracks": "",
    "vertex_energy_fraction": "",
}
SUMMARY = {"pt": "GeV", "eta": "", "mass": "GeV", "energy": "GeV", "n_vertices": ""}


@recipe("nanoaod_jets")
class NanoAODJets:
    """Input groups `jet` (pt, eta, mass, energy, n_vertices, then the source's `jet_features`) and `vertices` (ragged,
    7 features, the most significant first); target `flavour` int64: 0 light, 1 charm, 2 beauty.

    Without vertices in the raw shard there are neither the group nor `n_vertices`, without their `ntracks` no
    `vertex_n_tracks`. A vertex belongs to a jet within `vertex_delta_r`. Its displacement is measured from the primary
    vertex, its energy fraction is that of the jet's energy.
    """

    VERSION = 1

    class Options(kinds.Options):
        vertex_delta_r: Real = Field(
            default=0.4, gt=0.0, le=0.8, description="largest ΔR between a jet and its vertices"
        )
        max_vertices: Count = Field(default=5, description="largest number of vertices of a jet")

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `nanoaod`; nothing is random, and nothing else is used."""
        jets = raw.inputs["jet"]
        values = values_of(raw, "jet").astype(np.float64)
        pt, eta, phi, mass = values[:, :4].T
        energy = np.hypot(pt * np.cosh(eta), mass)
        columns = {"pt": pt, "eta": eta, "mass": mass, "energy": energy}
        inputs = {}
        if "vertices" in raw.inputs:
            inputs["vertices"], columns["n_vertices"] = self.vertices(raw, eta, phi, energy, options)
        dense = np.column_stack([*columns.values(), values[:, 4:]]).astype(np.float32)
        names = (*columns, *jets.features[4:])
        units = (*(SUMMARY[name] for name in columns), *jets.units[4:])
        label = np.zeros(len(raw), np.int64)
        for quark, number in QUARKS.items():
            label[raw.targets["flavour"] == quark] = number
        return Samples(
            inputs={
                "jet": Group(Dense(dense), names, units),
                **inputs,
            },
            targets={"flavour": label},
            id=raw.id,
        )

    @staticmethod
    def vertices(
        raw: Samples, eta: np.ndarray, phi: np.ndarray, energy: np.ndarray, options: Options
    ) -> tuple[Group, np.ndarray]:
        """Each jet's vertices, the most significant first, and how many there are, also beyond the longest list."""
        column, name = ragged(raw, "vertices"), raw.inputs["vertices"].features.index
        jet = np.repeat(np.arange(len(eta)), column.lengths)
        sv = column.values.astype(np.float64)
        away_eta = sv[:, name("eta")] - eta[jet]
        away_phi = delta_phi(sv[:, name("phi")], phi[jet])
        own_energy = np.hypot(sv[:, name("pt")] * np.cosh(sv[:, name("eta")]), sv[:, name("mass")])
        columns = {
            "vertex_mass": sv[:, name("mass")],
            "vertex_displacement": sv[:, name("dlen")] * CM,
            "vertex_delta_eta": away_eta,
            "vertex_delta_phi": away_phi,
            "vertex_displacement_significance": sv[:, name("dlenSig")],
        }
        if "ntracks" in raw.inputs["vertices"].features:
            columns["vertex_n_tracks"] = sv[:, name("ntracks")]
        columns["vertex_energy_fraction"] = own_energy / energy[jet]
        features = np.column_stack(list(columns.values()))
        near = np.hypot(away_eta, away_phi) < options.vertex_delta_r
        features, jet = features[near], jet[near]
        order = np.lexsort((-features[:, 4], jet))
        counts = np.bincount(jet, minlength=len(eta))
        first = np.cumsum(counts) - counts
        rank = np.arange(len(jet)) - np.repeat(first, counts)
        lengths = np.minimum(counts, options.max_vertices)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        lists = Ragged(features[order][rank < options.max_vertices].astype(np.float32), offsets)
        return Group(lists, tuple(columns), tuple(VERTICES[name] for name in columns)), counts
