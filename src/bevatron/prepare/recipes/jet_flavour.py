"""The recipe `jet_flavour`: the published data set in the groups of our own jets."""

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count
from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.flavour import QUARKS
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

VERTEX_FEATURES = 7


@recipe("jet_flavour")
class JetFlavour:
    """Input groups `jet` (pt, eta), `experts` (16), `tracks` (ragged, 21) and `vertices` (ragged, 7, element i the
    vertex of track i, zeros if none); target `flavour` int64: 0 light, 1 charm, 2 beauty.

    Tracks are sorted by falling |d0 / σ(d0)|, as in arXiv:1607.08633, sec. IV. Numbers are the file's own:
    a jet without a vertex has −1 for its number of vertices and their mass, for example.
    """

    VERSION = 1

    class Options(kinds.Options):
        max_tracks: Count = Field(default=15, description="largest number of tracks of a jet")

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `jet_flavour_jsonl`; nothing is random, and nothing else is used."""
        jet, experts, group = (raw.inputs[name] for name in ("jet", "experts", "tracks"))
        column, names, units = ragged(raw, "tracks"), group.features, group.units
        cut = len(names) - VERTEX_FEATURES
        selected = select_most_displaced(column, names.index("d0"), names.index("cov_d0_d0"), options.max_tracks)
        expert_names = ("jet_pt", "jet_eta", *experts.features)
        inputs = {
            "jet": jet,
            "experts": Group(
                Dense(np.concatenate([values_of(raw, "jet"), values_of(raw, "experts")], axis=1)),
                expert_names,
                (*jet.units, *experts.units),
            ),
            "tracks": Group(
                Ragged(np.ascontiguousarray(selected.values[:, :cut]), selected.offsets), names[:cut], units[:cut]
            ),
            "vertices": Group(
                Ragged(np.ascontiguousarray(selected.values[:, cut:]), selected.offsets), names[cut:], units[cut:]
            ),
        }
        label = np.zeros(len(raw), np.int64)
        for quark, number in QUARKS.items():
            label[raw.targets["flavour"] == quark] = number
        return Samples(inputs, {"flavour": label}, raw.id)


def select_most_displaced(tracks: Ragged, d0: int, variance: int, maximum: int) -> Ragged:
    """Each list's elements in the order of falling |d0| / sqrt(variance), cut after `maximum`; columns by number.

    A variance of 0 counts as endless significance, unless d0 is 0 too.
    """
    jet = np.repeat(np.arange(len(tracks)), tracks.lengths)
    size, spread = np.abs(tracks.values[:, d0]).astype(np.float64), np.sqrt(tracks.values[:, variance])
    significance = np.divide(size, spread, out=np.where(size > 0, np.inf, 0.0), where=spread > 0)
    order = np.lexsort((-significance, jet))
    rank = np.arange(len(jet)) - np.repeat(tracks.offsets[:-1], tracks.lengths)
    lengths = np.minimum(tracks.lengths, maximum)
    return Ragged(tracks.values[order][rank < maximum], np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
