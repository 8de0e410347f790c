"""The build, beyond pyproject.toml: the workflow's rules, its schemas, profiles and tables go into the wheel."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("workflow", "profiles", "config/README.md", "config/resources.yaml", "config/studies", "constraints.txt")
OWN = shutil.ignore_patterns("site.yaml", "__pycache__", ".*")  # of one site, of one machine


class BuildWithWorkflow(build_py):
    """Copies what lies at the top of the repository to `bevatron/shipped`, where `bevatron.shipped_files` finds it."""

    def run(self) -> None:
        """Build the package; an editable one reads these files where they lie."""
        super().run()
        if self.editable_mode:
            return
        here, folder = Path(__file__).parent, Path(self.build_lib) / "bevatron" / "shipped"
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier build
        for name in SHIPPED:
            source, copy = here / name, folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=OWN)
            else:
                shutil.copyfile(source, copy)
        environment = folder / "workflow" / "envs" / "bevatron.yaml"
        wanted = f"bevatron[export,formats]=={self.distribution.get_version()}"
        environment.write_text(environment.read_text().replace("../..[export,formats]", wanted))


setup(cmdclass={"build_py": BuildWithWorkflow})
