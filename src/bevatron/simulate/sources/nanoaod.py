"""The source `nanoaod`: simulated jets of the CMS experiment, from NanoAOD files."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import NonNegative, Positive
from bevatron.errors import UserError
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.collisions.hadrons import MAX_DELTA_R
from bevatron.simulate.external.event_weights import WeightOptions, WeightRange
from bevatron.simulate.external.external_files import FileOptions, refuse_changes
from bevatron.simulate.external.nanoaod_events import NEEDED_OF_VERTICES, EventStep, read_steps
from bevatron.simulate.mapping.missing import fill
from bevatron.simulate.mapping.missing_keys import check_missing
from bevatron.simulate.mapping.options import Missing
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
MAX_JETS = 256  # of an event: the id of a jet holds its rank in 8 bits
ENERGY_FRACTIONS = ["chHEF", "neHEF", "chEmEF", "neEmEF", "muEF"]


@source("nanoaod")
class NanoAOD:
    """Jets of simulated CMS events in NanoAOD ROOT files, read in steps by uproot.

    One sample is one jet. Input groups: `jet` (pt, eta, phi, mass, then the branches of `jet_features`),
    `vertices` (ragged: the event's secondary vertices within ΔR < 0.8 of the jet, branches SV_*; not with
    `vertices: false`). Targets:
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
        vertices: bool = Field(default=True, description="whether secondary vertices are read")
        vertex_features: list[str] = Field(
            default=["ntracks", "dxy", "dxySig", "chi2"],
            description="further branches of secondary vertices, without 'SV_', beside pt, eta, phi, mass, dlen and "
            "dlenSig; leave ntracks out for files older than NanoAOD 8",
        )
        vertex_significance_min: NonNegative = Field(default=0.0, description="least SV_dlenSig of a secondary vertex")
        missing: dict[str, Missing] = Field(
            default={},
            description="by feature (`jet.area`, `vertices.dlenSig`), by group, or 'all': what becomes of values that "
            "are not finite; `mean` is for the source `table` alone",
        )

        @model_validator(mode="after")
        def _knows_its_features(self) -> "NanoAOD.Options":
            groups = {"jet": [*KINEMATICS, *self.jet_features]}
            if self.vertices:
                groups["vertices"] = self.features_of_vertices()
            check_missing(self.missing, groups)
            if any(policy.policy == "mean" for policy in self.missing.values()):
                raise ValueError("missing: the policy 'mean' is for the source `table` alone; set constant")
            for key, names in (("jet_features", groups["jet"]), ("vertex_features", self.vertex_features)):
                if repeated := [name for name, count in Counter(names).items() if count > 1]:
                    raise ValueError(f"{key}: '{repeated[0]}' is there twice, or is read anyway")
            return self

        def features_of_vertices(self) -> list[str]:
            """The branches of vertices that are read, without 'SV_'."""
            if not self.vertices:
                return []
            known = [name for name in VERTEX if name in NEEDED_OF_VERTICES or name in self.vertex_features]
            return [*known, *(name for name in self.vertex_features if name not in VERTEX)]

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of jets, and the time spent in reading. Nothing is random, so `seed` is not used."""
        start = perf_counter()
        part = options.part(shard)
        n_events, parts, weight_range = 0, [], WeightRange()
        with refuse_changes(part):
            attributes = options.attributes(part) | {"processes": [path.as_posix() for path in options.resolve_files()]}
            for step in read_steps(part, shard, self.branches(options), optional=[GEN_WEIGHT]):
                samples = self.jets(step, options, (shard << 32) + n_events)
                if options.weight is None:
                    weight_range.add(_finite_weights(step.events, GEN_WEIGHT))
                else:
                    weights = event_weights(step.events, options.weight, step.path)
                    event = (samples.targets["event"] - np.uint64((shard << 32) + n_events)).astype(np.int64)
                    samples = replace(samples, weight=weights[event])
                if unknown := set(samples.targets["flavour"].tolist()) - {0, 4, 5}:
                    where = f"{step.path}: Jet_hadronFlavour"
                    raise UserError(
                        where, f"found {min(unknown)}, expected 0, 4 or 5", "see which version wrote the file"
                    )
                parts.append(samples)
                n_events += len(step)
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
        vertex = options.features_of_vertices()
        weight = [] if options.weight is None else [options.weight]
        return list(dict.fromkeys([*(f"Jet_{name}" for name in jet), *(f"SV_{name}" for name in vertex), *weight]))

    @staticmethod
    def jets(step: EventStep, options: Options, first_event: int) -> Samples:
        """The jets of one step, whose events are numbered from `first_event`."""
        per_event = step.counts("Jet")
        event = np.repeat(np.arange(len(step)), per_event)
        rank = np.arange(len(event)) - np.repeat(np.cumsum(per_event) - per_event, per_event)
        if per_event.max(initial=0) > MAX_JETS:
            what = f"event {step.first + int(per_event.argmax())} has {per_event.max()} jets, more than {MAX_JETS}"
            raise UserError(step.path, what, "see what wrote the file")

        def filled(group: str, names: list[str], columns: list[np.ndarray], of: np.ndarray) -> np.ndarray:
            """Columns (n,) side by side, without missing values; of: the events that they are of."""
            return fill(
                options, group, names, columns, step.place, lambda row: step.first + int(of[row]), "constant"
            ).values

        pt, eta = filled("jet", ["pt", "eta"], [step.flat(f"Jet_{name}") for name in ("pt", "eta")], event).T
        passes = (pt > options.jet_pt_min) & (np.abs(eta) < options.jet_eta_max)
        if options.gen_match:
            passes &= step.integers("Jet_genJetIdx") >= 0
        selected = np.flatnonzero(passes)
        features = [*KINEMATICS, *options.jet_features]
        columns = [step.flat(f"Jet_{name}")[selected] for name in features]
        values = filled("jet", features, columns, event[selected])

        number = np.uint64(first_event) + event[selected].astype(np.uint64)
        units = (*KINEMATICS.values(), *("" for _ in options.jet_features))
        inputs = {"jet": Group(Dense(values), tuple(features), units)}
        if options.vertices:
            inputs["vertices"] = _vertices(step, options, event[selected], values[:, 1], values[:, 2], filled)
        return Samples(
            inputs=inputs,
            targets={
                "event": number,
                "flavour": step.integers("Jet_hadronFlavour")[selected],
                "process": np.full(len(selected), step.number, np.int64),
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


def _vertices(
    step: EventStep,
    options: NanoAOD.Options,
    event: np.ndarray,
    eta: np.ndarray,
    phi: np.ndarray,
    filled: Callable[[str, list[str], list[np.ndarray], np.ndarray], np.ndarray],
) -> Group:
    """The secondary vertices near each jet; event, eta, phi: of the jets (n,)."""
    names, counts = options.features_of_vertices(), step.counts("SV")
    owner = np.repeat(np.arange(len(step)), counts)
    has_jet = np.flatnonzero(np.isin(owner, event))
    cut_on = ["eta", "phi", "dlenSig"]
    used = np.zeros((len(owner), len(cut_on)), np.float32)
    used[has_jet] = filled("vertices", cut_on, [step.flat(f"SV_{name}")[has_jet] for name in cut_on], owner[has_jet])
    candidate, pairs = elements_of(event, np.concatenate([[0], np.cumsum(counts)]))  # every vertex of each jet's event
    jet = np.repeat(np.arange(len(event)), np.diff(pairs))
    sv_eta, sv_phi, significance = used[candidate].T
    away_phi = np.remainder(sv_phi - phi[jet].astype(np.float64) + np.pi, 2 * np.pi) - np.pi
    near = np.hypot(sv_eta - eta[jet].astype(np.float64), away_phi) < MAX_DELTA_R
    near &= significance >= options.vertex_significance_min
    chosen = candidate[near]
    values = filled("vertices", names, [step.flat(f"SV_{name}")[chosen] for name in names], owner[chosen])
    lists = Ragged(values, np.searchsorted(jet[near], np.arange(len(event) + 1)))
    return Group(lists, tuple(names), tuple(VERTEX.get(name, "") for name in names))
