"""The cuts on two-track vertices, of finders that are not `secondary_vertices`."""

from pydantic import BaseModel

from bevatron.prepare.vertexing.vertex_finder import FinderCuts


def make_pair_cuts(options: BaseModel) -> FinderCuts:
    """What `vertex_finder.find_pairs` reads of `FinderCuts`, from the options of the same names; the rest is 0."""
    values = options.model_dump()
    return FinderCuts(**{name: values.get(name, kind()) for name, kind in FinderCuts.__annotations__.items()})
