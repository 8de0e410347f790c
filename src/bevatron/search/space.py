"""The searched space, between the configuration's distributions and Optuna's."""

from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from bevatron.config.sections.model import Model
from bevatron.config.sections.search import Choice, Distribution, Integers, LogUniform, Search, Uniform


def search_of(model: Model) -> Search:
    """The search of a model that has one, as every model here does: the stage refuses others at its start."""
    assert model.search is not None
    return model.search


def optuna_space(space: dict[str, Distribution]) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each dotted key; choices are drawn by position, as they may be lists."""
    return {key: _optuna(distribution) for key, distribution in space.items()}


def values_of(space: dict[str, Distribution], sampled: dict[str, Any]) -> dict[str, Any]:
    """The model's value of each dotted key, from what Optuna drew."""
    return {
        key: distribution.values[sampled[key]] if isinstance(distribution, Choice) else sampled[key]
        for key, distribution in space.items()
    }


def _optuna(distribution: Distribution) -> BaseDistribution:
    match distribution:
        case Uniform():
            return FloatDistribution(distribution.low, distribution.high)
        case LogUniform():
            return FloatDistribution(distribution.low, distribution.high, log=True)
        case Integers():
            return IntDistribution(distribution.low, distribution.high)
        case Choice():
            return CategoricalDistribution(tuple(range(len(distribution.values))))
    raise TypeError(f"no distribution of Optuna's for {type(distribution).__name__}")
