"""The source `nanoaod`: simulated jets of the CMS experiment, from NanoAOD files."""

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from pydantic import Field

from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import NonNegative, Positive
from bevatron.errors import UserError
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.collisions.hadrons import MAX_DELTA_R
from bevatron.simulate.external.event_weights import WeightOptions, WeightRange
from bevatron.simulate.external.external_files import FileOptions
from bevatron.simulate.external.nanoaod_events import read_steps
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, elements_of

KINEMATICS = {"pt": "GeV", "eta": "", "phi": "rad", "mass": "GeV"}
VERTEX = {
    "pt": "GeV",
    "eta": "",
    "phi": "rad",
    "mass": "GeV",
    "ntracks": "",
    "dlen": "cm",
    "dlenSig": "",
    "dxy": "cm",
    "dxySig": "",
    "chi2": "",
}
GEN_WEIGHT = "genWeight"  # of the hard process, for each event
ENERGY_FRACTIONS = ["chHEF", "neHEF", "chEmEF", "neEmEF", "muEF"]


@source("nanoaod")
class NanoAOD:
    """Jets of simulated CMS events in NanoAOD ROOT files, read in steps by uproot.

    One sample is one jet. Input groups: `jet` (pt, eta, phi, mass, then the branches of `jet_features`),
    `vertices` (ragged: the event's secondary vertices within ΔR < 0.8 of the jet, branches SV_*). Targets:
    `event` uint64, unique in the study; `flavour` int64, Jet_hadronFlavour: 0, 4 or 5; `process` int64, the
    file's index among all of the study. A jet has the weight of its event that `weight` names; by default jets count
    alike, and a warning says so where the branch genWeight is there and differs. NanoAOD keeps no tracks of jets, so
    there is no track level.
    """

    VERSION = 1

    class Options(WeightOptions, FileOptions):
        weight: str | None = Field(
            default=None,
            description="branch of the event weight that its jets get, such as genWeight; default: they count alike",
        )
        jet_pt_min: Positive = Field(default=20.0, description="least pt of a jet, GeV")
        jet_eta_max: Positive = Field(default=2.5, description="largest |eta| of a jet")
        gen_match: bool = Field(
            default=True,
            description="only jets with a generated jet (Jet_genJetIdx): those of pile-up would count as light",
        )
        jet_features: list[str] = Field(
            default=["nConstituents", "area", *ENERGY_FRACTIONS],
            description="further branches of jets, without 'Jet_'; those of a tagger, btagDeepFlavB say, are allowed",
        )
        vertex_significance_min: NonNegative = Field(default=0.0, description="least SV_dlenSig of a secondary vertex")

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of jets, and the time spent in reading. Nothing is random, so `seed` is not used."""
        start = perf_counter()
        part = options.part(shard)
        attributes = options.attributes(part) | {"processes": [path.as_posix() for path in options.resolve_files()]}
        n_events, parts, weight_range = 0, [], WeightRange()
        for number, events in read_steps(part, shard, self.branches(options), optional=[GEN_WEIGHT]):
            samples = self.jets(events, options, (shard << 32) + n_events, number)
            place = part.files[part.numbers.index(number)]
            if options.weight is None:
                weight_range.add(_finite_weights(events, GEN_WEIGHT))
            else:
                weights = event_weights(events, options.weight, place)
                event = (samples.targets["event"] - np.uint64((shard << 32) + n_events)).astype(np.int64)
                samples = replace(samples, weight=weights[event])
            where = f"{place}: Jet_hadronFlavour"
            if unknown := set(samples.targets["flavour"].tolist()) - {0, 4, 5}:
                raise UserError(where, f"found {min(unknown)}, expected 0, 4 or 5", "see which version wrote the file")
            parts.append(samples)
            n_events += len(events)
        if options.weight is None:
            weight_range.warn(shard)
            attributes |= weight_range.attributes()
        return concatenate_samples(parts, attributes), {
            "events": n_events,
            "seconds_in_generator": perf_counter() - start,
        }

    @staticmethod
    def branches(options: Options) -> list[str]:
        """The branches of the file that are read, by their full names."""
        jet = [*KINEMATICS, "hadronFlavour", *options.jet_features, *(["genJetIdx"] if options.gen_match else [])]
        weight = [] if options.weight is None else [options.weight]
        return [*(f"Jet_{name}" for name in dict.fromkeys(jet)), *(f"SV_{name}" for name in VERTEX), *weight]

    @staticmethod
    def jets(events: Any, options: Options, first_event: int, process: int) -> Samples:
        """The jets of one step, whose events are numbered from `first_event`."""
        import awkward as ak

        def flat(branch: str) -> np.ndarray:
            return ak.to_numpy(ak.flatten(events[branch]))

        per_event = ak.to_numpy(ak.num(events["Jet_pt"]))
        event = np.repeat(np.arange(len(events)), per_event)
        rank = np.arange(len(event)) - np.repeat(np.cumsum(per_event) - per_event, per_event)
        pt, eta, phi = (flat(f"Jet_{name}").astype(np.float64) for name in ("pt", "eta", "phi"))
        passes = (pt > options.jet_pt_min) & (np.abs(eta) < options.jet_eta_max)
        if options.gen_match:
            passes &= flat("Jet_genJetIdx").astype(np.int64) >= 0
        selected = np.flatnonzero(passes)
        features = (*KINEMATICS, *options.jet_features)
        values = np.column_stack([flat(f"Jet_{name}")[selected].astype(np.float32) for name in features])

        vertices = np.column_stack([flat(f"SV_{name}").astype(np.float32) for name in VERTEX])
        cuts = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(events["SV_pt"])))]).astype(np.int64)
        candidate, pairs = elements_of(event[selected], cuts)  # every vertex of each jet's event
        jet = np.repeat(np.arange(len(selected)), np.diff(pairs))
        column = list(VERTEX).index
        away_phi = np.remainder(vertices[candidate, column("phi")] - phi[selected][jet] + np.pi, 2 * np.pi) - np.pi
        near = np.hypot(vertices[candidate, column("eta")] - eta[selected][jet], away_phi) < MAX_DELTA_R
        near &= vertices[candidate, column("dlenSig")] >= options.vertex_significance_min
        lists = Ragged(vertices[candidate[near]], np.searchsorted(jet[near], np.arange(len(selected) + 1)))

        number = np.uint64(first_event) + event[selected].astype(np.uint64)
        units = (*KINEMATICS.values(), *("" for _ in options.jet_features))
        return Samples(
            inputs={
                "jet": Group(Dense(values), features, units),
                "vertices": Group(lists, tuple(VERTEX), tuple(VERTEX.values())),
            },
            targets={
                "event": number,
                "flavour": flat("Jet_hadronFlavour")[selected].astype(np.int64),
                "process": np.full(len(selected), process, np.int64),
            },
            id=number << np.uint64(8) | rank[selected].astype(np.uint64),
        )

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import version

        return {name: version(name) for name in ("uproot", "awkward")}


def event_weights(events: Any, branch: str, path: Path) -> np.ndarray:
    """The weight of each event, (n,) float32. Raises UserError for a branch that is not one finite number an event."""
    import awkward as ak

    todo = "name a branch of one number an event in simulation.source.weight, such as genWeight"
    if events[branch].ndim != 1 or "string" in str(events[branch].type):
        raise UserError(f"{path}: {branch}", f"is {events[branch].type.content} for each event", todo)
    weights = ak.to_numpy(events[branch]).astype(np.float32)
    if not (finite := np.isfinite(weights)).all():
        what = f"is {weights[~finite][0]:g} in {np.count_nonzero(~finite)} events"
        raise UserError(f"{path}: {branch}", what, "take these events out, or name another branch")
    return weights


def _finite_weights(events: Any, branch: str) -> np.ndarray:
    """The weights that are told and not used: of a branch that is not there, or holds something else, none."""
    import awkward as ak

    if branch not in events.fields or events[branch].ndim != 1:
        return np.zeros(0)
    weights = ak.to_numpy(events[branch]).astype(np.float64)
    return weights[np.isfinite(weights)]
