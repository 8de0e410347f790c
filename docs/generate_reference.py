"""Write the pages of docs/reference/ that follow from the code: configuration, command line, claims.

    python docs/generate_reference.py

`make docs` does this before it builds the site. The pages are not kept in the repository.
"""

import subprocess
import sys
from pathlib import Path

from bevatron.config.loading.load import load_study

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
REFERENCE = DOCS / "reference"


def configuration() -> str:
    """The content of config/README.md."""
    return (ROOT / "config" / "README.md").read_text(encoding="utf-8").replace("](../docs/", "](../")


def command_line() -> str:
    """All commands with their arguments and options, as typer documents them."""
    command = [sys.executable, "-m", "typer", "bevatron.cli", "utils", "docs", "--name", "bevatron"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.replace("# `bevatron`", "# Command line", 1)


def claims() -> str:
    """The claims of all studies in config/studies/: what is stated, where, and how it is tested."""
    parts = ["# Claims", "", "All statements that the studies test, at the published sizes."]
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml")):
        study = load_study(path.stem, "paper", path.parent)
        parts += ["", f"## {study.title}", "", f"Study `{study.name}`: {len(study.claims)} claims.", ""]
        parts += ["| claim | statement | source | test |", "|---|---|---|---|"]
        for claim in study.claims:
            cells = (f"`{claim.id}`", claim.statement, claim.source, f"`{claim.test.kind}`")
            parts.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(parts) + "\n"


def main() -> None:
    REFERENCE.mkdir(exist_ok=True)
    for name, page in (("configuration", configuration), ("command-line", command_line), ("claims", claims)):
        (REFERENCE / f"{name}.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
