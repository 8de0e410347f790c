"""What is known of a head of an auxiliary task without its weights, in plain values."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class AuxiliarySpec:
    """A head: the `kind` of its task, the `target` that it learns and `widths` of its hidden layers.

    group: of a task for elements, the input group whose elements they are. classes: of a classification of elements.
    n_numbers: of a regression, how many numbers a sample has.
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
