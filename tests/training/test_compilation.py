"""torch.compile as an option of a fit: the same fit but for rounding, or an error with what to do."""

import importlib
import os
import tempfile
import warnings
from dataclasses import replace

import pytest
import torch
from digit_jobs import job_of
from drawn_fits import in_folder
from lives import fit_block_by_block, outcome
from safetensors.torch import load_file

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.compute.numerics import torch_compile
from bevatron.compute.numerics.torch_compile import compiling, cpp_compiler
from bevatron.errors import UserError
from bevatron.training import compilation
from bevatron.training.fit import fit

needs_compiler = pytest.mark.skipif(not cpp_compiler(), reason="no C++ compiler")


@pytest.fixture
def job(tmp_path):
    def make(kind="fgsm", folder="fit", **values):
        made = job_of(kind, tmp_path)
        fixed = {"training.compile": True, "training.epochs": 3, "training.adversarial": None} | values
        return replace(made, model=made.model.with_values(fixed), folder=tmp_path / folder)

    return make


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "a-compiler-that-is-not-there")


def test_without_a_compiler_there_is_an_error_and_no_other_fit(job, no_compiler):
    made = job()
    with pytest.raises(
        UserError, match=r"training\.compile of fgsm: needs a C\+\+ compiler.*leave training\.compile out"
    ):
        fit(made)
    assert not (made.folder / "weights.safetensors").exists()
    fit(replace(made, model=made.model.with_values({"training.compile": False})))


def test_a_compiler_that_fails_is_none(monkeypatch, tmp_path):
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\nexit 3\n")
    monkeypatch.setenv("CXX", str(broken))
    assert cpp_compiler() == ""  # not executable
    broken.chmod(0o755)
    assert cpp_compiler() == ""


@pytest.mark.parametrize(("model", "what"), [("lstm", "'tracks' is a list"), ("beauty_or_charm", "class subset")])
def test_batches_of_changing_shapes_are_refused(model, what, flavours, tmp_path):
    with pytest.raises(UserError, match=what):
        fit(flavours.job(tmp_path / "fit", model, training__compile=True))


def test_several_workers_are_refused(job):
    made = job()
    network = torch.nn.Linear(1, 1)
    network.spec = type("Spec", (), {"inputs": {}, "kinds": {"mlp"}})()
    with pytest.raises(UserError, match="for one worker, not 2"):
        compilation.check_compile(made, network, DistributedContext(0, 2, "ddp"))


@pytest.fixture
def own_tempdir(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv(torch_compile.CACHE, raising=False)
    return tmp_path


def test_machine_code_is_kept_in_a_private_folder_outside_the_home(own_tempdir, monkeypatch, tmp_path):
    with compiling():
        folder = os.environ[torch_compile.CACHE]
        assert folder == str(own_tempdir / f"bevatron-torch-{os.getuid()}")
        assert os.stat(folder).st_mode & 0o077 == 0
    assert torch_compile.CACHE not in os.environ
    os.chmod(folder, 0o777)  # somebody else's code could be in it
    with compiling():
        other = os.environ[torch_compile.CACHE]
        assert other != folder
    assert not os.path.exists(other)
    monkeypatch.setenv(torch_compile.CACHE, str(tmp_path / "mine"))
    with compiling():
        assert os.environ[torch_compile.CACHE] == str(tmp_path / "mine")
    assert os.environ[torch_compile.CACHE] == str(tmp_path / "mine")


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("fgsm", {"training.batch_size": 48}),  # 320 = 6 · 48 + 32: batches of two sizes
        ("fgsm", {"training.adversarial": {"epsilon": 0.1}}),
        ("augmented", {"training.precision": "bf16-mixed"}),
    ],
    ids=["mlp", "adversarial", "cnn bf16"],
)
def test_a_compiled_fit_is_the_same_but_for_rounding(kind, values, job):
    compiled = job(kind, "compiled", **values)
    plain = job(kind, "plain", **values, **{"training.compile": False})
    one, other = fit(compiled), fit(plain)
    tolerance = 0.02 if "training.precision" in values else 1e-3
    assert one.last_val_loss == pytest.approx(other.last_val_loss, rel=tolerance)
    names = [set(load_file(each.folder / "weights.safetensors")) for each in (compiled, plain)]
    assert names[0] == names[1]  # without a prefix
    assert not any("_orig_mod" in name for name in names[0])


@pytest.mark.slow
@needs_compiler
def test_an_interrupted_compiled_fit_ends_with_the_same_bits(job, own_tempdir):
    """With batches of two sizes, dropout, an average and accumulation; each life compiles in an order of its own."""
    values = {
        "architecture.dropout": 0.2, "training.batch_size": 9, "training.weight_average": {"decay": 0.9},
        "training.accumulate": 2, "training.schedule": "one_cycle",
    }  # fmt: skip
    straight = job(folder="straight", **values)
    expected = outcome(straight, fit(straight))
    assert list(own_tempdir.glob("bevatron-torch-*/**/*.so"))
    by_chunk = in_folder(straight, "by-chunk")
    result, lives = fit_block_by_block(by_chunk)
    assert lives > 2
    assert outcome(by_chunk, result) == expected


@pytest.mark.slow
@needs_compiler
def test_a_compiler_that_compiles_nothing_is_an_error_with_what_to_do(job, own_tempdir, monkeypatch):
    """As where Python's headers are missing."""
    broken = own_tempdir / "a-compiler"
    broken.write_text(
        '#!/bin/sh\ncase "$*" in *--version*|*-v*) echo "g++ 12";; *) echo "no headers" >&2; exit 1;; esac\n'
    )
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = importlib.import_module("torch._inductor.config")
    monkeypatch.setattr(config.cpp, "cxx", (None, str(broken)))
    with pytest.raises(UserError, match=r"training\.compile of fgsm.*could not compile.*leave training\.compile out"):
        fit(job())
