"""The published data set's lines: every number where it belongs, slices of a stream, faults with file and line."""

import gzip
import json

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.simulate.external.jet_flavour_lines import COVARIANCE, TRACK, parse_jet
from bevatron.simulate.sources.jet_flavour_jsonl import JetFlavourLines


def track(k, vertex=(1.5, 3.0, 0.1, -0.1, 9.0, 2, 0.4)):
    """A track whose numbers follow from k; variances stand on the covariance's diagonal."""
    diagonal = {0: 0.01, 2: 0.04, 5: 1e-4, 9: 1e-4, 14: 1e-6}
    covariance = [diagonal.get(place, -0.001 * place) for place in range(15)]
    return [[0.1 * k, -0.2 * k, 0.5, 1.2, -0.05], covariance, [0.9], list(vertex)]


def jet(number, tracks=2, flavour=5):
    by_tracks = [4.0 + number, 3.0, 1.0, 0.5, 2, 0.01, 0.05, 0.06]
    by_vertex = [7.0, 1, 3, 0.02, 1.8, 0.5]
    return [30.0 + number, -1.5, flavour, by_tracks, by_vertex, [track(k + 1) for k in range(tracks)]]


def write(path, jets):
    text = "".join(json.dumps(j) + "\n" for j in jets).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def read(*files, shard=0, **options):
    names = [str(file) for file in files]
    return JetFlavourLines().simulate(
        JetFlavourLines.Options(kind="jet_flavour_jsonl", files=names, **options), shard, 1
    )


def test_every_number_is_where_it_belongs(tmp_path):
    """The order D0D0, Z0D0, Z0Z0, PHID0 … is that of the authors' enums_track.hh."""
    assert list(TRACK)[:5] == ["d0", "z0", "phi", "theta", "q_over_p"]
    assert list(COVARIANCE)[:6] == ["cov_d0_d0", "cov_d0_z0", "cov_z0_z0", "cov_d0_phi", "cov_z0_phi", "cov_phi_phi"]
    assert list(COVARIANCE)[-2:] == ["cov_theta_q_over_p", "cov_q_over_p_q_over_p"]
    assert len(TRACK) == 28
    samples, facts = read(write(tmp_path / "dataset.json.gz", [jet(0), jet(1, tracks=0, flavour=0), jet(2, 3, 4)]))
    assert facts["events"] == 3
    assert samples.targets["flavour"].tolist() == [5, 0, 4]
    np.testing.assert_allclose(samples.inputs["jet"].column.values, [[30, -1.5], [31, -1.5], [32, -1.5]])
    np.testing.assert_allclose(samples.inputs["experts"].column.values[2], [6, *jet(0)[3][1:], *jet(0)[4]])
    tracks = samples.inputs["tracks"].column
    assert tracks.lengths.tolist() == [2, 0, 3]
    np.testing.assert_allclose(tracks.values[4], [x for group in track(3) for x in group], rtol=1e-6)


def test_what_does_not_exist_is_filled_in_or_left_out(tmp_path):
    lonely = jet(0, tracks=3)
    lonely[3][0], lonely[3][1], lonely[4] = "-inf", "NaN", ["-NaN", -1, -1, "inf", -1, "-inf"]
    lonely[5][1][0][0] = "NaN"  # the second track has no d0
    lonely[5][2][3] = ["NaN", -1, "-NaN", "NaN", "inf", -1, "NaN"]  # the third is of no secondary vertex
    samples, _ = read(write(tmp_path / "a.json", [lonely]), missing=-9.0)
    experts = samples.inputs["experts"].column.values[0]
    assert experts[[0, 1, 8, 11, 13]].tolist() == [-9.0] * 5
    assert experts[[9, 10, 12]].tolist() == [-1.0] * 3  # the file's own way to say so
    tracks = samples.inputs["tracks"].column.values
    np.testing.assert_allclose(tracks[:, 0], [0.1, 0.3], rtol=1e-6)
    assert tracks[1, 21:].tolist() == [0.0] * 7


def test_the_weight_may_stand_without_a_bracket_of_its_own(tmp_path):
    bare = jet(0, tracks=1)
    bare[5][0][2] = 0.9
    first, second = (read(write(tmp_path / f"{k}.json", [j]))[0] for k, j in enumerate((bare, jet(0, tracks=1))))
    assert first.inputs["tracks"].column.values.tobytes() == second.inputs["tracks"].column.values.tobytes()


def test_shards_are_slices_of_the_stream(tmp_path):
    pieces = [write(tmp_path / "a.json.gz", map(jet, range(7))), write(tmp_path / "b.json", map(jet, range(7, 12)))]
    parts = [read(*pieces, shard=k, per_shard=5)[0] for k in range(3)]
    assert [part.inputs["jet"].column.values[:, 0].tolist() for part in parts] == [
        [30, 31, 32, 33, 34], [35, 36, 37, 38, 39], [40, 41]
    ]  # fmt: skip
    assert (parts[2].id == (np.uint64(2) << np.uint64(40)) + np.arange(2, dtype=np.uint64)).all()
    with pytest.raises(UserError, match="shard 3: the files hold 12 lines, enough for the shards 0 to 2"):
        read(*pieces, shard=3, per_shard=5)
    assert len(read(*pieces, shard=1)[0]) == 5  # a file, a shard


def test_a_shard_does_not_read_what_comes_after_it(tmp_path):
    """So a shard's memory and time are those of its own lines."""
    path = write(tmp_path / "a.json", map(jet, range(6)))
    path.write_bytes(path.read_bytes() + b"rubbish\n")
    assert len(read(path, per_shard=6)[0]) == 6
    with pytest.raises(UserError, match=r"a.json:7: is no JSON"):
        read(path)


def changed(change):
    found = jet(0)
    change(found)
    return found


WRONG = {
    "five parts": (lambda j: j.pop(), "a jet is a list of 6 parts"),
    "no list": (lambda j: j.__setitem__(5, {}), "the last part must be the list of tracks"),
    "experts lost": (lambda j: j[3].pop(), "8 track experts"),
    "vertex experts too many": (lambda j: j[4].append(1.0), "6 vertex experts"),
    "track of 27": (lambda j: j[5][1][3].pop(), "track 2 must have 28 numbers, found 27"),
    "order of another writer": (lambda j: j[5][0][1].reverse(), "track 1: a variance cannot be negative"),
    "theta": (lambda j: j[5][0][0].__setitem__(3, -3.2), "track 1: theta beyond π"),
    "flavour": (lambda j: j.__setitem__(2, 15), r"the flavour must be one of \(0, 4, 5\); found 15"),
    "pt": (lambda j: j.__setitem__(0, "inf"), "the jet's pt must be above 0"),
    "word": (lambda j: j[3].__setitem__(5, "none"), "jet_prob must be a number; found 'none'"),
    "null": (lambda j: j[5][0][0].__setitem__(0, None), "d0 must be a number; found None"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_line_is_named_by_file_and_number(tmp_path, fault):
    change, expected = WRONG[fault]
    path = write(tmp_path / "dataset.json", [jet(0), changed(change)])
    with pytest.raises(UserError, match=rf"dataset.json:2: .*{expected}") as told:
        read(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", [b"{", b"[" * 100_000, b"\xff\xfe[1]", b"[1, 2, 3]]", b"\x00"])
def test_what_is_no_json_is_named_by_file_and_line(tmp_path, text):
    with pytest.raises(UserError, match=r"x.json:9: "):
        parse_jet(text, tmp_path / "x.json", 9)


def test_a_gzip_file_cut_short_an_empty_one_and_a_missing_one_are_told(tmp_path):
    path = write(tmp_path / "a.json.gz", [jet(k) for k in range(300)])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"a.json.gz: is a gzip file that is cut short"):
        read(path)
    for content, expected in ((b"", r"a.json.gz: is empty"), (b"\n\n", r"a.json.gz: holds no lines")):
        path.write_bytes(content)
        with pytest.raises(UserError, match=expected):
            read(path)
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / "b.json.gz")


@pytest.mark.parametrize("value", [10**30, -(2**63), 10**400, 1e39, -1e300])
@pytest.mark.parametrize(
    ("place", "name"),
    [
        ((0,), "the jet's pt"),
        ((1,), "the jet's eta"),
        ((3, 0), "track_2_d0_significance"),
        ((4, 0), ""),
        ((5, 1, 0, 1), "z0"),
    ],
)
def test_a_number_too_large_names_file_line_and_quantity(tmp_path, place, name, value):
    lines = [jet(k) for k in range(3)]
    at = lines[1]
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    path = write(tmp_path / "jets.json", lines)
    with pytest.raises(UserError) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith(f"{path}:2: ")
    if place != (0,) or value > 0:
        assert f"{name} is too large" in said or (name == "" and "too large" in said), said


def test_large_numbers_that_fit_are_read(tmp_path):
    lines = [jet(0)]
    lines[0][3][0], lines[0][3][1] = 2**60, 1e38
    assert read(write(tmp_path / "jets.json", lines))[0].inputs["experts"].column.values[0, :2].tolist() == [
        float(2**60),
        float(np.float32(1e38)),
    ]


def as_written(jet):
    """The line that the authors' HDF5Writer.cc prints of a jet: braces around the experts and around each part of a
    track, C++'s names of numbers that do not exist.
    """

    def numbers(values):
        return ", ".join(values)

    pt, eta, flavour, by_tracks, by_vertex, tracks = jet
    listed = ", ".join("{" + ", ".join("{" + numbers(part) + "}" for part in track) + "}" for track in tracks)
    return f"{pt}, {eta}, {flavour}, {{{numbers(by_tracks)}}}, {{{numbers(by_vertex)}}}, [{listed}]\n"


def as_published(line):
    """That line as JSON, as the data set has it."""
    text = line.strip().replace("{", "[").replace("}", "]")
    for written, published in (
        ("-nan", '"-NaN"'),
        (" nan", ' "NaN"'),
        ("[nan", '["NaN"'),
        ("-inf", '"-inf"'),
        (" inf", ' "inf"'),
    ):
        text = text.replace(written, published)
    return f"[{text}]\n"


def test_lines_as_the_authors_wrote_them(tmp_path):
    """A jet with a primary and a secondary track, theta counted from the jet's axis; and a jet without tracks."""
    terms = "0.0012 0.0002 0.056 -9.7e-06 -7.8e-07 1.2e-07 -1.3e-08 3e-05 2.9e-10 7.9e-08 -6.7e-06 -1.9e-06 1.2e-07"
    covariance = [*terms.split(), "4.4e-10", "7.5e-07"]
    primary = [["0.012", "-0.1", "-0.21", "-0.13", "0.31"], covariance, ["0.97"],
               ["2.31", "0", "nan", "nan", "0", "5", "0.71"]]  # fmt: skip
    secondary = [["0.51", "0.3", "0.11", "0.05", "-0.2"], covariance, ["0.61"],
                 ["1.2", "3.4", "0.02", "-0.03", "21.5", "2", "0.29"]]  # fmt: skip
    experts = ["21.2", "-inf", "2.9", "-inf", "1", "0.0043", "0.184", "0.144"]
    first = ["47.8712", "1.89325", "5", experts, ["32.9", "1", "2", "0.264", "1.2", "0.29"], [primary, secondary]]
    none = ["-inf", "-inf", "-inf", "-inf", "0", "-1", "-inf", "-inf"]
    second = ["25.8566", "-2.28891", "0", none, ["-1", "-1", "-1", "inf", "-1", "-inf"], []]
    path = tmp_path / "dataset.json"
    path.write_text("".join(as_published(as_written(jet)) for jet in (first, second)))
    samples, _ = read(path)
    np.testing.assert_allclose(samples.inputs["jet"].column.values, [[47.8712, 1.89325], [25.8566, -2.28891]])
    values = samples.inputs["experts"].column.values
    np.testing.assert_allclose(values[0][:4], [21.2, -1.0, 2.9, -1.0], rtol=1e-6)
    assert values[1].tolist() == [-1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1]
    tracks = samples.inputs["tracks"].column
    assert tracks.lengths.tolist() == [2, 0]
    named = dict(zip(samples.inputs["tracks"].features, tracks.values.T.tolist(), strict=True))
    assert named["theta"] == pytest.approx([-0.13, 0.05])
    assert named["vertex_weight"] == pytest.approx([0.97, 0.61])
    assert named["vertex_mass"] == pytest.approx([2.31, 1.2])  # the primary tracks' vertex stays
    assert named["vertex_n_tracks"] == [5, 2]
    assert named["vertex_energy_fraction"] == pytest.approx([0.71, 0.29])
    assert named["vertex_delta_eta"] == pytest.approx([0.0, 0.02])
    assert named["cov_theta_theta"] == pytest.approx([7.9e-8] * 2)
