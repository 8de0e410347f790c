"""Write a page of the documentation from each notebook, with the outputs that the notebook holds.

    python docs/generate_notebook_pages.py

`make docs` does this before it builds the site. The pages in docs/notebooks/ are not kept in the repository.
"""

import shutil
from pathlib import Path

from nbconvert.exporters import MarkdownExporter

DOCS = Path(__file__).resolve().parent
NOTEBOOKS = DOCS.parent / "notebooks"
PAGES = DOCS / "notebooks"


def main() -> None:
    """Write all pages, with their figures beside them."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir()
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        text, resources = MarkdownExporter().from_filename(
            str(path), resources={"output_files_dir": f"{path.stem}_files", "unique_key": path.stem}
        )
        source = f"\nThis page is the notebook `notebooks/{path.name}` with its outputs.\n"
        title, _, body = text.lstrip().partition("\n")
        (PAGES / f"{path.stem}.md").write_text(f"{title}\n{source}{body}", encoding="utf-8")
        for name, content in resources["outputs"].items():
            (PAGES / name).parent.mkdir(exist_ok=True)
            (PAGES / name).write_bytes(content)


if __name__ == "__main__":
    main()
