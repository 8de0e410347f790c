"""Odd event files, drawn from a seed: lines of jets, HepMC, NanoAOD and IDX are read right, or refused in one line.

BEVATRON_ODD_INPUTS and BEVATRON_ODD_SEED as in tests/tables/test_odd_tables.py.
"""

import json
import os
import struct
import warnings

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.simulate.external.hepmc_events import read_batches
from bevatron.simulate.external.hepmc_text import read_event_texts
from bevatron.simulate.external.idx import IMAGES, read_idx
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.hepmc import HepMC
from bevatron.simulate.sources.jet_flavour_jsonl import JetFlavourLines
from bevatron.simulate.sources.nanoaod import KINEMATICS, VERTEX, NanoAOD

N_INPUTS = int(os.environ.get("BEVATRON_ODD_INPUTS", "25"))
SEED = int(os.environ.get("BEVATRON_ODD_SEED", "20261130"))
TRACK = [[0.1, 0.2, 0.5, 1.2, 0.1], [0.01, 0, 0.01, 0, 0, 1e-4, 0, 0, 0, 1e-4, 0, 0, 0, 0, 1e-6], [1], [0] * 7]
TOKENS = ["1000000000000000019884624838656", "1e39", "1e400", "-1e400", '"NaN"', '"-inf"', "NaN", "Infinity", "true",
          "null", '"abc"', "{}", "[]", "-1", "9223372036854775808", "9007199254740993", "0", "3.5", "1" * 5000,
          '"\\ud800"', "1.", "[[1]]", "-0.0", "4"]  # fmt: skip


def outcome(make, path):
    """What `make` gives, or its UserError, which is one line and names the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return make()
        except UserError as error:
            message = str(error)
    assert "\n" not in message
    assert path.name in message, message
    return None


def assert_finite(samples):
    for name, group in samples.inputs.items():
        assert np.isfinite(group.column.values).all(), name
    for name, values in samples.targets.items():
        assert np.isfinite(values).all(), name


def damage(draw, content):
    """The bytes cut short, with some turned or lost, or with other ends of lines."""
    content = bytearray(content)
    match draw.integers(6):
        case 0:
            return bytes(content[: int(draw.integers(len(content)))])
        case 1:
            for _ in range(3):
                content[int(draw.integers(len(content)))] ^= 1 << int(draw.integers(8))
        case 2:
            start = int(draw.integers(len(content)))
            del content[start : start + int(draw.integers(1, 60))]
        case 3:
            return bytes(content).replace(b"\n", b"\r\n")
        case 4:
            return bytes(content).decode("latin-1").encode("utf-16")
    return bytes(content)


def test_odd_lines_of_jets(tmp_path):
    path = tmp_path / "jets.json"
    for k in range(N_INPUTS):
        draw = np.random.default_rng([SEED, k])
        jets = [[30.0 + n, 0.5, (0, 4, 5)[n % 3], [1.0] * 8, [1.0] * 6, [TRACK] * (n % 3)] for n in range(6)]
        lines = [json.dumps(jet) for jet in jets]
        row = int(draw.integers(6))
        places = [at for at, sign in enumerate(lines[row]) if sign.isdigit() and lines[row][at - 1] in "[ "]
        start = int(draw.choice(places))
        end = min(at for at in (lines[row].find(sign, start) for sign in ",]") if at > 0)
        lines[row] = lines[row][:start] + str(draw.choice(TOKENS)) + lines[row][end:]
        content = ("\n".join(lines) + "\n").encode()
        path.write_bytes(damage(draw, content) if draw.random() < 0.4 else content)
        options = JetFlavourLines.Options(kind="jet_flavour_jsonl", files=[str(path)])
        found = outcome(lambda options=options: JetFlavourLines().simulate(options, 0, ShardSeed.of("1", 0))[0], path)
        if found is None:
            continue
        assert_finite(found)
        parsed = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        np.testing.assert_array_equal(found.inputs["jet"].column.values, np.float32([jet[:2] for jet in parsed]))
        experts = [
            [-1.0 if isinstance(v, str) or not np.isfinite(v) else v for v in [*jet[3], *jet[4]]] for jet in parsed
        ]
        np.testing.assert_array_equal(found.inputs["experts"].column.values, np.float32(experts))
        assert found.targets["flavour"].tolist() == [jet[2] for jet in parsed]


HEAD = b"HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n"
END = b"HepMC::Asciiv3-END_EVENT_LISTING\n"
WORDS = [b"1e400", b"nan", b"-inf", b"1e39", b"99999999999", b"x", b"0x10", b"1.0.0", b"", b"-", b"+5", b".5", b"5.",
         b"1E+05", b"-2147483648", b"2147483648", b"1,5", b"0"]  # fmt: skip


def hepmc_text(draw):
    """Two events of some particles from one vertex, in columns of any width, and perhaps with an odd word."""
    lines = []
    for number in range(2):
        n = int(draw.integers(3, 7))
        lines += [b"E %d 1 %d" % (number, n + 2), b"U GEV MM"]
        momenta = draw.normal(scale=20, size=(n, 3))
        lines += [b"P %d 0 2212 0 0 %f 6500 0.938 4" % (k + 1, 6500 - 13000 * k) for k in (0, 1)]
        lines += [b"V -1 0 [1,2] @ 0.1 0.2 0.3 0"]
        for k, (px, py, pz) in enumerate(momenta.tolist()):
            energy = (px * px + py * py + pz * pz + 0.02) ** 0.5
            lines.append(b"P %d -1 211 %.9e %.9e %.9e %.9e 0.14 1" % (k + 3, px, py, pz, energy))
    if draw.random() < 0.6:
        row = int(draw.integers(len(lines)))
        words = lines[row].split(b" ")
        words[int(draw.integers(len(words)))] = bytes(draw.choice(np.array(WORDS, object)))
        lines[row] = b" ".join(words)
    if draw.random() < 0.2:
        lines.insert(
            int(draw.integers(len(lines))),
            bytes(draw.choice(np.array([b"P", b"", b"# text", b"Q 1 2", b"A 0 a b"], object))),
        )
    blank = bytes(draw.choice(np.array([b" ", b"   ", b"\t"], object)))
    return HEAD + b"\n".join(line.replace(b" ", blank) for line in lines) + b"\n" + END


def test_odd_hepmc_files(tmp_path):
    pytest.importorskip("pyhepmc")
    path = tmp_path / "events.hepmc"
    for k in range(N_INPUTS):
        draw = np.random.default_rng([SEED, k])
        content = hepmc_text(draw)
        path.write_bytes(damage(draw, content) if draw.random() < 0.3 else content)
        found = outcome(lambda: [batch[1] for batch in read_batches(read_event_texts(path))], path)
        if not found:
            continue
        text = path.read_bytes()
        rows = [line.split() for line in text.splitlines() if line.startswith((b"P ", b"P\t"))]
        expected = np.array([[float(word) for word in row[4:8]] for row in rows])
        particles = found[0]
        inside = np.setdiff1d(np.arange(len(particles.pdg_id)), particles.offsets[:-1])
        momenta = np.column_stack([particles.px, particles.py, particles.pz, particles.energy])[inside]
        scale = 1e-3 if b"MEV" in text else 1.0
        np.testing.assert_allclose(momenta, expected * scale, rtol=1e-12, err_msg=f"input {k}")
        assert particles.pdg_id[inside].tolist() == [int(row[3]) for row in rows]
        options = HepMC.Options(kind="hepmc", files=[str(path)], jet_pt_min=1.0)
        samples = outcome(lambda options=options: HepMC().simulate(options, 0, ShardSeed.of("1", 0))[0], path)
        if samples is not None:
            assert_finite(samples)


JET = [*KINEMATICS, "area", "hadronFlavour", "genJetIdx"]


def test_odd_nanoaod_files(tmp_path):
    uproot, ak = pytest.importorskip("uproot"), pytest.importorskip("awkward")
    path = tmp_path / "nano.root"
    for k in range(N_INPUTS):
        draw = np.random.default_rng([SEED, k])
        n = int(draw.integers(0, 8))
        counts = {"Jet": draw.integers(0, 4, n), "SV": draw.integers(0, 3, n)}
        branches = {}
        for collection, names in (("Jet", JET), ("SV", list(VERTEX))):
            for name in names:
                total = int(counts[collection].sum())
                values = draw.uniform(30, 60, total) if name == "pt" else draw.uniform(0, 2, total)
                if name in ("hadronFlavour", "genJetIdx"):
                    values = draw.choice([0, 4, 5], total)
                branches[f"{collection}_{name}"] = ak.unflatten(values.astype(np.float32), counts[collection])
        changed = str(draw.choice(list(branches)))
        match draw.integers(6):
            case 0:
                del branches[changed]
            case 1:
                flat = ak.to_numpy(ak.flatten(branches[changed])).astype(np.float64)
                if len(flat):
                    flat[int(draw.integers(len(flat)))] = draw.choice([np.nan, np.inf, -np.inf, 1e39, -1e300, 0.0])
                branches[changed] = ak.unflatten(flat, counts[changed.partition("_")[0]])
            case 2:
                branches[changed] = np.arange(n, dtype=np.float32)
            case 3:
                other = draw.integers(0, 4, n)
                branches[changed] = ak.unflatten(np.ones(other.sum(), np.float32), other)
            case 4:
                branches[changed] = ak.values_astype(
                    branches[changed], str(draw.choice(["int8", "uint64", "float64", "bool"]))
                )
        with uproot.recreate(path) as file:
            file.mktree(
                "Events", {b: v.dtype if isinstance(v, np.ndarray) else v.type.content for b, v in branches.items()}
            )
            if n:
                file["Events"].extend(branches)
        if draw.random() < 0.2:
            path.write_bytes(damage(draw, path.read_bytes()) if draw.random() < 0.5 else path.read_bytes()[:9000])
        constant = {"all": {"policy": "constant", "constant": 1.0}} if draw.random() < 0.3 else {}
        options = NanoAOD.Options(kind="nanoaod", files=[str(path)], jet_features=["area"], missing=constant)
        found = outcome(lambda options=options: NanoAOD().simulate(options, 0, ShardSeed.of("1", 0))[0], path)
        if found is not None:
            assert_finite(found)
            with uproot.open(path) as file:
                pt, eta = (file["Events"][f"Jet_{name}"].array(library="ak") for name in ("pt", "eta"))
            if not constant:
                expected = ak.to_numpy(ak.flatten(pt[abs(eta) < 2.5])).astype(np.float32)
                np.testing.assert_array_equal(found.inputs["jet"].column.values[:, 0], expected[expected > 20])


def test_odd_idx_files(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    for k in range(N_INPUTS):
        draw = np.random.default_rng([SEED, k])
        shape = [int(2 ** draw.uniform(0, 32)) if draw.random() < 0.3 else int(draw.integers(0, 5)) for _ in range(3)]
        held = int(draw.integers(0, 100)) if draw.random() < 0.5 else min(int(np.prod(shape, dtype=object)), 1000)
        content = struct.pack(">I3I", IMAGES, *shape) + draw.integers(0, 256, held, np.uint8).tobytes()
        path.write_bytes(content[: int(draw.integers(len(content)))] if draw.random() < 0.2 else content)
        found = outcome(lambda: read_idx(path, IMAGES), path)
        if found is not None:
            assert found.shape == tuple(shape)
            assert found.tobytes() == path.read_bytes()[16:]


STARTS = [b"root\0\0\xf3\xc0", b"\x89HDF\r\n\x1a\n", b"PAR1", b"PK\3\4", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", HEAD,
          b"[1, 2]\n", b"\xff\xd8\xff\xe0", b"%PDF-1.7\n", b"<html>\n"]  # fmt: skip


@pytest.mark.parametrize("content", STARTS)
@pytest.mark.parametrize("source", [HepMC, NanoAOD, JetFlavourLines])
def test_a_file_of_another_format_is_refused(source, content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content + bytes(range(256)) * 3)
    kind = {HepMC: "hepmc", NanoAOD: "nanoaod", JetFlavourLines: "jet_flavour_jsonl"}[source]
    options = source.Options(kind=kind, files=[str(path)])
    assert outcome(lambda: source().simulate(options, 0, ShardSeed.of("1", 0)), path) is None
