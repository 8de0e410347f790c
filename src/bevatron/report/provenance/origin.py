"""Where a number of the report comes from."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["study", "simulate", "manifest", "observables", "search", "train", "evaluate", "report"]
"""The command that published it; 'study' stands for the study's own file."""


@dataclass(frozen=True)
class Origin:
    """A number's study and stage; its model, seed, metric, claim and variation where it has one."""

    study: str
    stage: Stage
    model: str | None = None
    seed: int | None = None
    metric: str | None = None
    claim: str | None = None
    variation: str | None = None
