"""FAULTS.md, whose sections are written by different benchmarks."""

from pathlib import Path

SECTION = "\n## "  # what begins one; before the first stands what faults.py writes


def write_head(path: Path, text: str) -> None:
    """Replace all that stands before the first section."""
    _, *sections = _parts(path)
    _write(path, [text, *sections])


def write_section(path: Path, text: str) -> None:
    """Replace the section with this text's heading, or add it at the end."""
    heading = text.splitlines()[0]
    head, *sections = _parts(path)
    kept = [section for section in sections if section.splitlines()[0] != heading]
    _write(path, [head, *kept, text])


def _parts(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    head, *sections = text.split(SECTION)
    return [head, *(SECTION.lstrip() + section for section in sections)]


def _write(path: Path, parts: list[str]) -> None:
    path.write_text("\n\n".join(part.strip() for part in parts if part.strip()) + "\n", encoding="utf-8")
