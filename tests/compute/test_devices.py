"""Devices and determinism."""

import os
import traceback

import pytest
import torch

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.compute.numerics.seeds import seed_generators
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


def test_numbers_too_small_for_a_fast_multiplication_are_zero_within():
    def halved():
        return (torch.full((100,), 1e-38) / 2).count_nonzero().item()

    if not torch.set_flush_denormal(True):
        pytest.skip("this processor keeps denormal numbers, whatever it is told")
    torch.set_flush_denormal(False)
    assert halved() == 100
    for threads in (1, 2):
        with deterministic(threads):
            assert halved() == 0
            assert (torch.full((1_000_000,), 1e-38) / 2).count_nonzero() == 0  # cut over the threads
    assert halved() == 100


def test_seeding_a_step_writes_no_stack_down(monkeypatch):
    written, write = [], traceback.format_stack
    monkeypatch.setattr(traceback, "format_stack", lambda *a, **k: written.append(1) or write(*a, **k))
    torch.manual_seed(7)
    assert written, "torch has repaired it: seed_generators is not needed any more"
    written.clear()
    seed_generators(torch.device("cpu"), 2**63 - 1, 7)
    assert not written
