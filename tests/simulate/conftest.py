"""HepMC3 files made of Pythia's events, in the way of Pythia's own converter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bevatron.simulate.collisions.pythia import Collisions
from bevatron.simulate.sources.jets import PROCESSES, PythiaJets

SETTINGS = [*PythiaJets.settings(PythiaJets.Options(kind="jets", multiple_interactions=False)), *PROCESSES["beauty"]]


def same_collisions() -> Collisions:
    """The same events each time."""
    return Collisions(SETTINGS, 5, "tests")


@pytest.fixture(scope="session")
def collisions() -> Callable[[], Collisions]:
    return same_collisions


def hepmc_event(record: Any, number: int, shift: float = 0.0) -> Any:
    """A HepMC3 event: one vertex for each set of mothers, without a place of its own where Pythia has none."""
    import pyhepmc

    event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
    event.event_number = number
    made, vertices = [None], []  # a vertex lives only as long as something here holds it
    for p in list(record)[1:]:
        status = 1 if p.isFinal() else 4 if p.statusAbs() == 12 else 2
        made.append(pyhepmc.GenParticle((p.px(), p.py(), p.pz(), p.e()), p.id(), status))
    for entry, p in enumerate(record):
        mothers = [mother for mother in p.motherList() if mother > 0] if entry else []
        if not mothers:
            continue
        vertex = next((made[m].end_vertex for m in mothers if made[m].end_vertex is not None), None)
        if vertex is None:
            place = (p.xProd() + shift, p.yProd() + shift, p.zProd() + shift, p.tProd())
            own = shift or any((p.xProd(), p.yProd(), p.zProd()))
            vertex = pyhepmc.GenVertex(place) if own else pyhepmc.GenVertex()
            vertices.append(vertex)
            for mother in mothers:
                vertex.add_particle_in(made[mother])
        vertex.add_particle_out(made[entry])
    event.add_tree([made[1], made[2]])
    return event


@pytest.fixture(scope="session")
def write_hepmc() -> Callable[..., Path]:
    """write_hepmc(path, events, first=0, shift=0, change=nothing): `same_collisions` from `first` on."""
    pyhepmc = pytest.importorskip("pyhepmc")

    def write(path: Path, events: int, first: int = 0, shift: float = 0.0, change: Callable = lambda event: None):
        source = same_collisions()
        with pyhepmc.open(str(path), "w") as file:
            for number in range(first + events):
                assert source.pythia.next()
                if number >= first:
                    event = hepmc_event(source.pythia.event, number, shift)
                    change(event)
                    file.write(event)
        return path

    return write
