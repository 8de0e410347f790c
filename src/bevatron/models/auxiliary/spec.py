"""The description of the head of an auxiliary task, in plain values, without its weights."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class AuxiliarySpec:
    """A head: the `kind` of its task, the `target` that it learns, and the `widths` of its hidden layers.

    group: for a task over elements, the input group of the elements. classes: for a classification of elements, the
    names of its classes. n_numbers: for a regression, the number of values of a sample.
    """

    kind: str
    target: str
    widths: tuple[int, ...]
    group: str = ""
    classes: tuple[str, ...] = ()
    n_numbers: int = 1

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> "AuxiliarySpec":
        """From what `as_payload` made of it; raises KeyError, TypeError or ValueError for anything else."""
        return cls(**{**payload, "widths": tuple(payload["widths"]), "classes": tuple(payload["classes"])})

    def as_payload(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
