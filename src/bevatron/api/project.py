"""Where a project's files are."""

from dataclasses import dataclass
from pathlib import Path

from bevatron.errors import UserError
from bevatron.store.files.plain_names import inside


@dataclass(frozen=True)
class Project:
    """A folder with `config/config.yaml`, `config/studies/` and, once the workflow has run, `results/`."""

    folder: Path

    @property
    def config_path(self) -> Path:
        """The workflow's configuration file."""
        return self.folder / "config" / "config.yaml"

    @property
    def studies_folder(self) -> Path:
        """Where the studies' files are."""
        return self.folder / "config" / "studies"

    def results_of(self, study: str) -> Path:
        """The folder of a study's results. Raises UserError for a name that could lead out of it."""
        return inside(self.folder / "results", study)


def find_project(folder: str | Path | None = None) -> Project:
    """The project in `folder`; default: the nearest one from the working directory upwards.

    Raises UserError where there is none.
    """
    if folder is not None:
        project = Project(Path(folder))
        if not project.config_path.is_file():
            raise UserError(project.config_path, "no such file", "give the folder of a project as `project`")
        return project
    start = Path.cwd()
    for candidate in (start, *start.parents):
        if (candidate / "config" / "config.yaml").is_file():
            return Project(candidate)
    raise UserError(
        start, "neither it nor a folder above it has a config/config.yaml", "give the project's folder as `project`"
    )
