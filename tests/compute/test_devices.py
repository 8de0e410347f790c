"""Devices and determinism."""

import os

import pytest
import torch

from bevatron.compute.devices import deterministic, device_for
from bevatron.compute.seeds import seed_everything
from bevatron.errors import UserError


def test_a_device_that_is_not_there_is_the_users_to_mend(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_for("auto") == device_for("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match="no GPU is visible"):
        device_for("cuda")
    with pytest.raises(UserError, match="allowed: auto, cpu, cuda"):
        device_for("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_for("auto") == device_for("cuda") == torch.device("cuda", 0)


def test_deterministic_settings_hold_inside_and_leave_no_trace():
    def state():
        return (
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        )

    def fail_within():
        with deterministic(threads=1):
            assert state() == (1, True, False, True, False, ":4096:8")
            raise KeyError

    before = state()
    with pytest.raises(KeyError):
        fail_within()
    assert state() == before


def test_a_seed_decides_what_every_global_generator_draws():
    import random

    import numpy as np

    def draw(seed):
        seed_everything(seed)
        return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002

    first, second, other = draw(2**62), draw(2**62), draw(5)
    assert first == second
    assert all(a != b for a, b in zip(first, other, strict=True))
