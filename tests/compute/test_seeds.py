"""What a step of a fit draws: its own numbers, on every worker, from all bits of its seed."""

import numpy as np
import pytest
import torch
from scipy import stats

from bevatron.compute.numerics.seeds import seed_generators
from bevatron.config.loading.digest import seed_of

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _generator_as_it_was():
    with torch.random.fork_rng(devices=[]):
        yield


def drawn(seed, step, n=6):
    seed_generators(CPU, seed, step)
    return torch.rand(n).tolist()


def test_the_generator_goes_on_as_a_mersenne_twister_with_that_state():
    """NumPy's, whose state is set to the numbers of the same Philox; its words come in pairs, second first."""
    for key in ((5, 7), (2**63 - 1, 10**6), (0, 0)):
        seed_generators(CPU, *key)
        found = torch.empty(2_000, dtype=torch.int64).random_(0, 2**31).numpy()
        words = np.random.Philox(key=np.array(key, np.uint64)).random_raw(312).view(np.uint32)
        words[0] |= 2**31
        reference = np.random.MT19937()
        reference.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": 624}}
        np.testing.assert_array_equal(found, reference.random_raw(4_000)[1::2] % 2**31)


def test_the_same_step_draws_the_same_whatever_was_drawn_before():
    first = drawn(3, 4)
    torch.randn(1)  # of the pair that it makes, the generator keeps one
    seed_generators(CPU, 3, 4)
    normal = torch.randn(3)
    torch.randn(1)
    seed_generators(CPU, 3, 4)
    assert torch.equal(torch.randn(3), normal)
    assert drawn(3, 4) == first
    others = [drawn(3, 5), drawn(4, 4), drawn(4, 3), drawn(3 + 2**32, 4), drawn(3, 4 + 2**32)]
    assert all(first != other for other in others)


def test_of_a_hundred_thousand_models_workers_and_steps_no_two_share_a_state():
    """50 seeds, 500 workers each, 4 steps of them: all of the state is compared."""
    seeds = [seed_of("step", seed, rank) for seed in range(50) for rank in range(500)]
    assert len(set(seeds)) == len(seeds)
    states = set()
    for seed in seeds:
        for step in (0, 1, 1_000, 999_999):
            seed_generators(CPU, seed, step)
            states.add(hash(torch.default_generator.get_state().numpy().tobytes()))
    assert len(states) == 4 * len(seeds)


def test_first_numbers_of_steps_are_uniform_and_independent_of_each_other():
    first = np.array([drawn(seed_of("step", 0), step, 2) for step in range(4_000)])
    for numbers in first.T:
        assert stats.kstest(numbers, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(first[:-1, 0], first[1:, 0])[0, 1]) < 0.06
    assert abs(np.corrcoef(*first.T)[0, 1]) < 0.06


@pytest.mark.parametrize("purpose", ["weights", "solve", "generate"])
def test_all_runs_that_a_model_may_have_start_from_weights_of_their_own(purpose):
    """Generators that take 32 bits of a seed, which is drawn: among the 10,000 seeds allowed no two are the same."""
    assert len({seed_of(purpose, seed) % 2**32 for seed in range(10_000)}) == 10_000
