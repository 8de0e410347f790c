"""A number of events beyond any machine ends in one line, at once, and in no allocation."""

import tracemalloc
from time import perf_counter

import pytest

from bevatron import cli
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.simulate.stage import simulate_shard


@pytest.mark.parametrize("key", ["train", "val", "test"])
@pytest.mark.parametrize("number", [10**11, 10**12])
def test_a_shard_beyond_the_memory_is_refused_before_it_is_made(curve, key, number, tmp_path):
    tree = curve.study.model_dump(mode="json")
    tree["simulation"]["source"][key] = number
    study, start = Study.model_validate(tree), perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"needs more memory than .*simulation\.shards"):
            simulate_shard(study, 0, tmp_path / "shard-0000.h5")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10e6
    assert perf_counter() - start < 5
    assert not list(tmp_path.iterdir())


def test_classes_times_points_do_not_overflow(tmp_path):
    """Beyond 64 bits the product of both is negative."""
    from bevatron.config.loading.kinds import SOURCES

    options = SOURCES["gaussians"].Options(kind="gaussians", classes=10**12, train=10**12)
    assert SOURCES["gaussians"]().events(options)["train"] == 10**24


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 7.28 TiB for an array"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. can't allocate memory: you\nx"),
    ],
)
def test_a_full_memory_is_one_line(error, monkeypatch, capsys):
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bevatron: memory: ")


def test_other_errors_of_the_program_keep_their_traceback(monkeypatch):
    for error in (RuntimeError("a mistake"), OSError("a mistake")):

        def fail(error=error) -> None:
            raise error

        monkeypatch.setattr(cli, "app", fail)
        with pytest.raises(type(error), match="a mistake"):
            cli.main()
