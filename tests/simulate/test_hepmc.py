"""HepMC3 files: the same jets as from Pythia directly, whatever units and division; every broken file in one line."""

import bz2
import gzip
import lzma

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.simulate.collisions.event_jets import build_jet_samples
from bevatron.simulate.external import hepmc_events
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.hepmc import HepMC
from bevatron.simulate.sources.jets import PythiaJets

pyhepmc = pytest.importorskip("pyhepmc")
EVENTS = 12


def read(*files, shard=0, **options):
    names = [str(file) for file in files]
    return HepMC().simulate(HepMC.Options(kind="hepmc", files=names, **options), shard, ShardSeed.of("1", shard))


@pytest.fixture(scope="module")
def file(tmp_path_factory, write_hepmc):
    return write_hepmc(tmp_path_factory.mktemp("hepmc") / "events.hepmc3", EVENTS)


@pytest.fixture(scope="module")
def direct(collisions):
    source = collisions()
    options = PythiaJets.Options(kind="jets")
    return build_jet_samples(next(source.batches(EVENTS)), source.charges, options, 0, 0, np.random.default_rng(1))


def elements(samples, group):
    """A ragged group's elements with ids and jet, in an order that does not depend on the record's."""
    ids = samples.inputs["constituent_ids" if group == "constituents" else "hadron_ids"].column.values
    column = samples.inputs[group].column
    jet = np.repeat(np.arange(len(samples)), column.lengths)
    table = np.column_stack([jet, ids, column.values])
    return table[np.lexsort(np.round(table.T[:-3][::-1], 4))]


def same_jets(found, expected, rtol=0.0, atol=0.0):
    np.testing.assert_allclose(found.inputs["jet"].column.values, expected.inputs["jet"].column.values, rtol=1e-6)
    for group in ("constituents", "hadrons"):
        np.testing.assert_allclose(elements(found, group), elements(expected, group), rtol=rtol, atol=atol)


def test_jets_constituents_hadrons_and_places_are_those_of_the_direct_path(file, direct):
    samples, facts = read(file)
    assert len(samples) > EVENTS / 2
    assert facts["events"] == EVENTS
    assert list(samples.inputs) == list(direct.inputs)
    assert samples.targets["event"].tolist() == direct.targets["event"].tolist()
    assert samples.id.tolist() == direct.id.tolist()
    same_jets(samples, direct)
    radius = np.hypot(*samples.inputs["hadrons"].column.values[:, 4:6].T)
    assert (radius > 0.1).sum() > EVENTS / 2  # the places are there to be compared


def test_what_particles_come_from_is_that_of_the_direct_path(file, collisions):
    """Whose records have other codes for decays, and other mothers of what a string makes."""
    source = collisions()
    options = PythiaJets.Options(kind="jets", track_truth=True)
    direct = build_jet_samples(next(source.batches(EVENTS)), source.charges, options, 0, 0, np.random.default_rng(1))
    samples, _ = read(file, track_truth=True)
    kinds = set()
    for of, origins in (("constituents", "constituent_origins"), ("spectators", "spectator_origins")):
        tables = []
        for found in (samples, direct):
            column = found.inputs[of].column
            jet = np.repeat(np.arange(len(found)), column.lengths)
            table = np.column_stack([jet, np.round(column.values[:, :3], 3), found.inputs[origins].column.values])
            tables.append(table[np.lexsort(table.T[::-1])])
        np.testing.assert_allclose(*tables, atol=2e-3)
        kinds |= set(tables[0][:, 4].astype(int))
    assert len(kinds) > 3


def test_units_and_a_shifted_collision_change_nothing(file, tmp_path, write_hepmc, direct):
    def other_units(event):
        event.set_units(pyhepmc.Units.MEV, pyhepmc.Units.CM)

    samples, _ = read(write_hepmc(tmp_path / "shifted.hepmc", EVENTS, shift=3.0, change=other_units))
    same_jets(samples, direct, rtol=1e-4, atol=1e-5)


def test_shards_divide_files_by_events_and_together_are_the_whole(file, tmp_path, write_hepmc):
    pieces = [write_hepmc(tmp_path / f"piece-{k}.hepmc", 6, first=6 * k) for k in range(2)]
    whole, _ = read(file)
    parts = [read(*pieces, shard=k, per_shard=5)[0] for k in range(3)]
    for name in ("jet", "constituents"):
        joined = np.concatenate([part.inputs[name].column.values for part in parts])
        assert joined.tobytes() == whole.inputs[name].column.values.tobytes()
    assert [set(part.targets["process"].tolist()) for part in parts] == [{0}, {0, 1}, {1}]
    for shard, part in enumerate(parts):
        assert (part.id >> np.uint64(40) == shard).all()
    with pytest.raises(UserError, match="shard 3: the files hold 12 events, enough for the shards 0 to 2"):
        read(*pieces, shard=3, per_shard=5)


def test_without_per_shard_each_file_is_a_shard(file, tmp_path, write_hepmc):
    write_hepmc(tmp_path / "b.hepmc", 4, first=6)
    write_hepmc(tmp_path / "a.hepmc", 6)
    second, facts = read(tmp_path / "*.hepmc", shard=1)
    assert facts["events"] == 4
    assert set(second.targets["process"].tolist()) == {1}
    assert [name.rsplit("/", 1)[1] for name in second.attributes["processes"]] == ["a.hepmc", "b.hepmc"]
    with pytest.raises(UserError, match="2 files, one a shard, and none for shard 2"):
        read(tmp_path / "*.hepmc", shard=2)


def test_gzip_files_are_read_the_same(file, tmp_path):
    packed = tmp_path / "events.hepmc3.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    plain, zipped = read(file)[0], read(packed)[0]
    assert plain.inputs["constituents"].column.values.tobytes() == zipped.inputs["constituents"].column.values.tobytes()


def padded(text: bytes) -> bytes:
    """Columns of equal width, as Fortran and printf write them; pyhepmc itself would read other numbers."""
    lines = text.split(b"\n")
    return b"\n".join(
        line.replace(b" ", b"   ") + b"  " if line[:2] in (b"P ", b"V ", b"E ", b"U ") else line for line in lines
    )


FORMS = {
    "padded": padded,
    "Windows": lambda t: t.replace(b"\n", b"\r\n"),
    "tabs": lambda t: b"\n".join(line.replace(b" ", b"\t") if line[:2] == b"V " else line for line in t.split(b"\n")),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_of_one_file_are_read_the_same(file, tmp_path, form):
    other = tmp_path / "other.hepmc"
    other.write_bytes(FORMS[form](file.read_bytes()))
    plain, found = read(file)[0], read(other)[0]
    for group in ("jet", "constituents", "hadrons"):
        assert plain.inputs[group].column.values.tobytes() == found.inputs[group].column.values.tobytes()


@pytest.mark.parametrize("form", [bytes, padded, FORMS["Windows"]])
def test_files_of_hepmc_2_have_the_same_jets(file, tmp_path, direct, form):
    with pyhepmc.open(str(file)) as events, pyhepmc.open(str(tmp_path / "two"), "w", format="hepmc2") as two:
        for event in events:
            two.write(event)
    (tmp_path / "two").write_bytes(form((tmp_path / "two").read_bytes()))
    samples, facts = read(tmp_path / "two")
    assert facts["events"] == EVENTS
    np.testing.assert_allclose(
        np.sort(samples.inputs["jet"].column.values, 0), np.sort(direct.inputs["jet"].column.values, 0), rtol=1e-6
    )
    parts = [read(tmp_path / "two", shard=k, per_shard=5)[0] for k in range(3)]
    assert sum(map(len, parts)) == len(samples)


BROKEN = {
    "cut short": (lambda t: t[: len(t) * 2 // 3], r"is cut short: it ends inside of event \d+, without its line"),
    "cut between events": (lambda t: t[: t.rindex(b"\nE ") + 1], r"is cut short"),
    "empty": (lambda t: b"", r"is empty"),
    "only a head": (lambda t: t[: t.index(b"E 0")], r"is cut short|holds no event"),
    "no event": (lambda t: t[: t.index(b"E 0")] + t[t.rindex(b"HepMC::") :], r"holds no event"),
    "HepMC 2": (lambda t: b"\nHepMC::Version 2.06.09\nHepMC::IO_GenEvent-START\n", r"has no HepMC ASCII listing"),
    "LHE": (lambda t: b'<LesHouchesEvents version="3.0">\n', r"is a Les Houches file"),
    "an image": (lambda t: b"\x89PNG\r\n\x1a\n" * 30, r"is no HepMC3 file: it begins with"),
    "two files joined": (lambda t: t + t, r":\d+: comes after the end of the listing: two files were joined"),
    "a lost particle": (
        lambda t: t.replace(t[t.index(b"\nP 9 ") : t.index(b"\nP 10 ")], b"", 1),
        r":3: event 0 cannot",
    ),
    "letters for a number": (
        lambda t: t.replace(b"\nP 4 1 ", b"\nP 4 x ", 1),
        r":\d+: is no particle or vertex of HepMC3: 'P 4 x 2",
    ),
    "no number": (lambda t: t.replace(b" 6.4999", b" nan 6.4999", 1), r":\d+: is no particle or vertex of HepMC3"),
    "an unknown unit": (lambda t: t.replace(b"\nU GEV MM", b"\nU TEV MM", 1), r":\d+: is no line of HepMC3: 'U TEV"),
    "a particle without blank": (lambda t: t.replace(b"\nP 9 ", b"\nP9 ", 1), r"is no particle or vertex of HepMC3"),
    "a PDG number beyond 32 bits": (
        lambda t: t.replace(b"\nP 9 ", b"\nP 9 1 99999999999 0 0 0 0 0 1\nP 9 ", 1),
        r":\d+: has an integer of more than 32 bits, 99999999999",
    ),
    "an energy beyond 32 bits": (
        lambda t: t.replace(b" 6.5000000000000000e+03 ", b" 6.5e+300 ", 1),
        r"event 0 has a (momentum|energy) of 6.5e\+300 GeV or mm, more than a 32-bit number holds",
    ),
    "an endless energy": (lambda t: t.replace(b" 6.5000000000000000e+03 ", b" 1e+999 ", 1), r"has a .* of inf GeV"),
    "a bad beginning": (lambda t: t.replace(b"\nE 1 ", b"\nE one many ", 1), r"is no beginning of an event"),
    "gzip cut short": (lambda t: gzip.compress(t)[:-4000], r"is a gzip file that is cut short"),
    "gzip damaged": (lambda t: gzip.compress(t)[:5000] + b"\0" * 99 + gzip.compress(t)[5099:], r"is a damaged gzip"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_told_in_one_line(file, tmp_path, fault, capfd):
    change, expected = BROKEN[fault]
    broken = tmp_path / "broken.hepmc"
    broken.write_bytes(change(file.read_bytes()))
    with pytest.raises(UserError, match=expected) as told:
        read(broken)
    assert str(broken) in str(told.value)
    assert "\n" not in str(told.value)
    assert "ERROR" not in capfd.readouterr().err  # the library's own lines


def test_missing_files_and_names_given_twice_are_told(file, tmp_path):
    with pytest.raises(UserError, match=r"nowhere.hepmc: no such file"):
        read(tmp_path / "nowhere.hepmc")
    with pytest.raises(UserError, match=r"simulation.source.files: no file matches"):
        read(tmp_path / "*.hepmc")
    with pytest.raises(UserError, match=r"is named twice"):
        read(file, file)


def test_a_file_must_have_the_content_that_the_study_names(file):
    from bevatron.store.files.publish import sha256_of

    digest = sha256_of(file)
    samples, _ = read(file, sha256={file.name: digest})
    assert samples.attributes["files"] == {file.as_posix(): digest}
    with pytest.raises(UserError, match=r"has the SHA-256 .*, the study says 000000000000"):
        read(file, sha256={file.name: "0" * 64})


def test_differing_weights_are_not_passed_over_in_silence(tmp_path, write_hepmc, caplog):
    def weighted(event):
        event.run_info = run
        event.weights = [1.0 + event.event_number]

    run = pyhepmc.GenRunInfo()
    run.weight_names = ["nominal"]
    read(write_hepmc(tmp_path / "weighted.hepmc", 3, change=weighted))
    assert "weights differ, and are not used" in caplog.text


def _numbered(event):
    """Two weights: the event's number and a half, and a hundred times that."""
    event.weights = [event.event_number + 0.5, 100.0 * event.event_number + 50.0]


@pytest.mark.parametrize(("weight", "factor"), [("nominal", 1), ("scale_up", 100), (1, 100)])
def test_jets_have_the_weight_of_their_event_that_the_study_names(weight, factor, tmp_path, write_hepmc, caplog):
    run = pyhepmc.GenRunInfo()
    run.weight_names = ["nominal", "scale_up"]

    def change(event):
        event.run_info = run
        _numbered(event)

    samples, _ = read(write_hepmc(tmp_path / "w.hepmc", 3, change=change), weight=weight)
    numbers = (samples.targets["event"] & np.uint64(0xFFFFFFFF)).astype(float)
    assert len(samples)
    np.testing.assert_allclose(samples.weight, factor * (numbers + 0.5), rtol=1e-6)
    assert "weights" not in caplog.text
    assert "event_weights" not in samples.attributes


def test_a_weight_that_an_event_lacks_is_told(tmp_path, write_hepmc):
    file = write_hepmc(tmp_path / "w.hepmc", 3)
    with pytest.raises(UserError, match=r"has no weight 'nominal'; fix simulation\.source\.weight"):
        read(file, weight="nominal")


def test_weights_are_compared_over_all_of_a_shard(tmp_path, write_hepmc, caplog, monkeypatch):
    """Not only among the events that are read at once."""
    monkeypatch.setattr(hepmc_events, "BATCH", 2)
    weights = [1.0, 1.0, 99.0, 99.0]
    file = write_hepmc(tmp_path / "w.hepmc", 4, change=lambda e: setattr(e, "weights", [weights[e.event_number]]))
    samples, _ = read(file)
    assert samples.attributes["event_weights"] == [1.0, 99.0]
    assert "they go from 1 to 99" in caplog.text
    assert samples.weight is None


def test_a_study_that_names_no_weight_keeps_its_digest():
    options = HepMC.Options(kind="hepmc", files=["a.hepmc"])
    assert "weight" not in options.model_dump(mode="json")
    assert options.model_copy(update={"weight": "nominal"}).model_dump(mode="json")["weight"] == "nominal"


def test_charges_are_pythia_s(collisions):
    from bevatron.simulate.external.hepmc_events import charges

    numbers = np.array([11, -13, 22, 130, 211, -321, 2112, -2212, 511, 521, 4122, 3112, 1, -2, 1000010020, 21])
    assert charges(numbers).tolist() == collisions().charges(numbers).tolist()


def test_more_jets_than_an_id_can_number_are_told(tmp_path):
    eta, phi = (grid.ravel() for grid in np.meshgrid(np.linspace(-2, 2, 20), np.linspace(-3, 3, 15)))
    lines = [b"E 0 1 302", b"U GEV MM", b"P 1 0 2212 0 0 6500 6500 0.938 4", b"P 2 0 2212 0 0 -6500 6500 0.938 4"]
    lines += [b"V -1 0 [1,2]"]
    for k, (px, py, pz, energy) in enumerate(zip(np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta), strict=True)):
        lines.append(f"P {k + 3} -1 22 {px:.9f} {py:.9f} {pz:.9f} {energy:.9f} 0 1".encode())
    head, end = b"HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n", b"HepMC::Asciiv3-END_EVENT_LISTING\n"
    (tmp_path / "many").write_bytes(head + b"\n".join(lines) + b"\n" + end)
    with pytest.raises(UserError, match="event 0 has 300 jets, more than the 256 that an id can number"):
        read(tmp_path / "many", jet_radius=0.05, jet_pt_min=0.5)
    assert 0 < len(read(tmp_path / "many", jet_radius=0.8, jet_pt_min=0.5)[0]) < 100
