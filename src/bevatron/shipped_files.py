"""Files of Bevatron's that are no Python: the workflow's rules, its schemas and profiles, the table of resources."""

from pathlib import Path

from bevatron.errors import UserError


def shipped(name: str) -> Path:
    """A file or folder by its path in the repository, e.g. 'workflow/Snakefile'.

    A wheel carries them; an editable installation reads those of its clone. Raises UserError where there is none.
    """
    package = Path(__file__).parent
    for folder in (package / "shipped", package.parents[1]):
        if (folder / name).exists():
            return folder / name
    raise UserError(package, f"this installation has no {name}", "install Bevatron again, from a wheel or a clone")
