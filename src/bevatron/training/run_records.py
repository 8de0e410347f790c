"""What runs.json and metrics.json say of a run, by type: some of it becomes a part of paths."""

from types import GenericAlias
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bevatron.config.sections.section import Name, Seed
from bevatron.store.files.plain_names import Digest, FileName

Number = Annotated[int, Field(strict=True, ge=0)]


class _Run(BaseModel):
    """The keys by which files are found or epochs are chosen; a run has others too."""

    model_config = ConfigDict(extra="allow", frozen=True)

    seed: Seed
    digest: Digest
    folder: FileName
    epochs: Number = 0
    best_epoch: Number = 0
    n_weights: Number = 0
    versions: dict[str, str] = {}
    members: dict[Name, Digest] = {}


class RunRecord(_Run):
    """A run in runs.json: `folder` lies beside the file, `files` are in the folder."""

    files: dict[FileName, Digest]


class EvaluatedRun(_Run):
    """A run in metrics.json."""

    weights_sha256: Digest | None = None
    history_sha256: Digest | None = None


def check_runs(kind: type[_Run], runs: Any) -> list[dict[str, Any]]:
    """The runs as they stand in the file, in the order of their seeds.

    Raises ValueError, in one line, for anything but a list of such records with seeds and folders that differ.
    """
    form: Any = GenericAlias(list, kind)  # list[kind], which no type checker takes of a variable
    try:
        records: list[_Run] = TypeAdapter(form).validate_python(runs)
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(str(step) for step in ("runs", *first["loc"]))
        raise ValueError(f"{location}: {first['msg']}, found {_short(first['input'])}") from None
    for what in ("seed", "folder"):
        values = [getattr(record, what) for record in records]
        if len(set(values)) != len(values):
            raise ValueError(f"runs: two have the same {what}")
    return sorted(runs, key=lambda run: run["seed"])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
