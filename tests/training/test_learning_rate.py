"""The learning rate and momentum of each step are those of PyTorch's schedulers."""

import warnings

import pytest
import torch
from torch.optim import lr_scheduler

from bevatron.config.sections.training import Training
from bevatron.training.learning_rate import cycled_momentum, learning_rate, set_rates, warm_up_steps

RATE = 0.02


def of_pytorch(scheduler, steps: int, kind=torch.optim.AdamW) -> list[tuple[float, float]]:
    """Learning rate and momentum of each step under a scheduler, made by `scheduler(optimiser)`."""
    weight = torch.nn.Parameter(torch.zeros(()))
    optimiser = kind([weight], lr=RATE)
    made, values = scheduler(optimiser), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no gradients, and a deprecation within SequentialLR
        for _ in range(steps):
            group = optimiser.param_groups[0]
            values.append((group["lr"], group["betas"][0] if "betas" in group else group["momentum"]))
            optimiser.step()
            if len(values) < steps:
                made.step()
    return values


def ours(training: Training, steps: int) -> list[float]:
    return [learning_rate(training, step, steps) for step in range(steps)]


# 20 · 0.1 - 1 is a turn at a step, 7 · 0.1 - 1 one before the first. Where pct_start · steps is 1, PyTorch divides by
# zero: see below.
TURNS = [(n, f) for n in (1, 2, 7, 20, 101) for f in (0.1, 0.3, 0.5, 1.0) if n * f != 1]


@pytest.mark.parametrize(("steps", "pct_start"), TURNS)
@pytest.mark.parametrize("anneal", ["cos", "linear"])
def test_one_cycle_is_that_of_pytorch(steps, pct_start, anneal):
    options = {"pct_start": pct_start, "div_factor": 30.0, "final_div_factor": 50.0, "anneal_strategy": anneal}
    training = Training(learning_rate=RATE, schedule="one_cycle", one_cycle=options)
    expected = of_pytorch(lambda o: lr_scheduler.OneCycleLR(o, RATE, total_steps=steps, **options), steps)
    found = [(learning_rate(training, s, steps), cycled_momentum(training, s, steps)) for s in range(steps)]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=1e-9, atol=1e-15)


def test_a_rise_of_one_step_begins_at_the_full_rate():
    training = Training(learning_rate=RATE, schedule="one_cycle", one_cycle={"pct_start": 0.1})
    assert ours(training, 10)[0] == RATE
    assert sorted(ours(training, 10), reverse=True) == ours(training, 10)


def test_one_cycle_as_in_gn2():
    """Learning rates 1e-7, 5e-4 and 1e-7, the peak after a tenth of the steps: salt, configs/base.yaml."""
    training = Training(
        learning_rate=5e-4,
        schedule="one_cycle",
        one_cycle={"pct_start": 0.1, "div_factor": 5000, "final_div_factor": 1},
    )
    rates = ours(training, 1000)
    assert (rates[0], rates[99], rates[-1]) == pytest.approx((1e-7, 5e-4, 1e-7))
    assert max(rates) == rates[99]


@pytest.mark.parametrize("steps", [10, 37])
@pytest.mark.parametrize("start", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("length", [{"steps": 5}, {"fraction": 0.3}])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_warm_up_goes_before_the_schedule_as_in_pytorch(steps, start, length, schedule):
    training = Training(learning_rate=RATE, schedule=schedule, warm_up={"start_factor": start, **length})
    rise = warm_up_steps(training, steps)
    assert rise == (5 if "steps" in length else round(0.3 * steps))

    def make(optimiser):
        rising = lr_scheduler.LinearLR(optimiser, start, total_iters=rise)
        if schedule == "constant":
            return rising
        falling = lr_scheduler.CosineAnnealingLR(optimiser, steps - rise)
        return lr_scheduler.SequentialLR(optimiser, [rising, falling], [rise])

    expected = [rate for rate, _ in of_pytorch(make, steps)]
    assert ours(training, steps) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize(("length", "rise"), [({"fraction": 0.0}, 0), ({"fraction": 1.0}, 8), ({"steps": 100}, 100)])
def test_warm_ups_of_no_step_and_of_more_than_there_are(schedule, length, rise):
    training = Training(learning_rate=RATE, schedule=schedule, warm_up={"start_factor": 0.0, **length})
    plain = Training(learning_rate=RATE, schedule=schedule)
    expected = [RATE * s / rise for s in range(8)] if rise else ours(plain, 8)
    assert ours(training, 8) == pytest.approx(expected)


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
def test_the_optimiser_gets_rate_and_momentum(optimiser):
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    training = Training(learning_rate=RATE, schedule="one_cycle", optimiser=optimiser)
    weight = torch.nn.Parameter(torch.zeros(()))
    made, found = kinds[optimiser]([weight], lr=RATE), []
    for step in range(30):
        set_rates(made, training, step, 30)
        group = made.param_groups[0]
        found.append((group["lr"], group["betas"][0] if "betas" in group else group["momentum"]))
    expected = of_pytorch(lambda o: lr_scheduler.OneCycleLR(o, RATE, total_steps=30), 30, kinds[optimiser])
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=1e-9, atol=0)


def test_the_momentum_can_stay():
    training = Training(schedule="one_cycle", one_cycle={"cycle_momentum": False})
    assert cycled_momentum(training, 3, 10) is None
    assert cycled_momentum(Training(schedule="cosine"), 3, 10) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"warm_up": {}}, "either steps or fraction"),
        ({"warm_up": {"steps": 3, "fraction": 0.1}}, "either steps or fraction"),
        ({"warm_up": {"steps": 3}, "schedule": "one_cycle"}, "rises by itself"),
        ({"one_cycle": {"pct_start": 0.2}}, "the schedule is 'constant'"),
        ({"accumulate": 2, "batch_size": "full"}, "makes one batch an epoch"),
        ({"weight_average": {"decay": 1.0}}, "below 1"),
    ],
)
def test_settings_that_contradict_one_another_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Training(**values)


def test_new_keys_at_their_default_are_in_no_dump():
    new = {"warm_up", "one_cycle", "accumulate", "weight_average", "compile"}
    assert not new & set(Training().model_dump(mode="json"))
    values = {"warm_up": {"fraction": 0.1}, "accumulate": 2, "weight_average": {}, "compile": True}
    assert set(values) <= set(Training(**values).model_dump(mode="json"))
