"""The place of a manifest, or of trainings, in a cross-validation."""

from typing import Annotated, Literal

from pydantic import Field

from bevatron.store.files.plain_names import Digest
from bevatron.store.records.record import Record

MOST = 100
Fold = Annotated[int, Field(strict=True, ge=0, lt=MOST)]


class Folds(Record):
    """The folds of a dataset, and which of them is left out."""

    k: int = Field(description="number of folds", strict=True, ge=2, le=MOST)
    by: Literal["event", "id"] = Field(description="the number that is hashed: the event's, or the sample's id")
    left_out: Fold | None = Field(
        default=None, description="the fold that is tested on and not learned from; null: all are tested on"
    )
    manifests: tuple[Digest, ...] = Field(
        default=(), description="of a manifest of all folds: the identity of each fold's own, in their order"
    )

    def __str__(self) -> str:
        return f"all {self.k} folds" if self.left_out is None else f"fold {self.left_out} of {self.k}"
