"""The cuts on two-track vertices, from the options of a finder."""

from bevatron.prepare.jets.vertex_finder_options import InclusiveVertexCuts, JetFitterCuts
from bevatron.prepare.vertexing.two_track_vertices import PairCuts


def make_pair_cuts(options: JetFitterCuts | InclusiveVertexCuts) -> PairCuts:
    """The cuts of `two_track_vertices.find_pairs`: the finder's options of the same names."""
    values = options.model_dump()
    return PairCuts(**{name: values[name] for name in PairCuts._fields})
