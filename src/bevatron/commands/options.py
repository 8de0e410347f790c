"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="a study: a file in config/studies/")]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="a model of the study")]
Config = Annotated[Path, typer.Option("--config", help="the workflow's configuration; studies/ is in the same folder")]
Scale = Annotated[str | None, typer.Option(help="demo, laptop or paper; default: as configured")]
ManifestPath = Annotated[Path, typer.Option("--manifest", help="the dataset's manifest.json")]
Output = Annotated[Path, typer.Option("--output", help="file or folder to write")]
Nodes = Annotated[int, typer.Option(min=1, help="nodes of the batch job")]
Cpus = Annotated[int | None, typer.Option(min=1, help="CPU cores of each node; default: as configured, or all")]
Gpus = Annotated[int | None, typer.Option(min=0, help="GPUs of each node; default: as configured, or those visible")]
Results = Annotated[Path, typer.Option("--results", help="folder of results")]
Variation = Annotated[
    str | None, typer.Option(help="a systematic variation of the study: its events instead of the nominal ones")
]
DEFAULT_CONFIG = Path("config/config.yaml")
DEFAULT_RESULTS = Path("results")
