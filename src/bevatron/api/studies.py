"""Studies for notebooks."""

from pathlib import Path
from typing import TYPE_CHECKING

from bevatron.api.project import Project, find_project

if TYPE_CHECKING:
    from bevatron.config.sections.study import Study


def load_study(name: str, scale: str | None = None, project: str | Path | None = None) -> "Study":
    """The study `name` at `scale` (default: the scale of `config/config.yaml`), validated, with its grids expanded.

    Raises UserError for a study that does not exist or is not valid; the message names file, key and remedy.
    """
    return load_study_of(find_project(project), name, scale)


def load_study_of(project: Project, name: str, scale: str | None = None) -> "Study":
    """As `load_study`, in a project that was found before."""
    from bevatron.config.loading import load

    if scale is None:
        scale = load.load_workflow(project.config_path).scale
    return load.load_study(name, scale, project.studies_folder)
