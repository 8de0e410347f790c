"""HepMC3 ASCII files cut into the texts of their events, so that events are counted and skipped cheaply."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bevatron.errors import UserError
from bevatron.simulate.external.external_files import lines_of, opened

VERSION, START, END = b"HepMC::Version 3", b"HepMC::Asciiv3-START_EVENT_LISTING", b"HepMC::Asciiv3-END_EVENT_LISTING"
OTHERS = {
    b"HepMC::Version 2": "is a HepMC 2 file",
    b"HepMC::IO_GenEvent": "is a HepMC 2 file",
    b"<LesHouchesEvents": "is a Les Houches file of hard processes",
    b"root": "is a ROOT file",
}


@dataclass(frozen=True)
class EventText:
    """One event: its place in the file, the line where it starts, the numbers of particles and vertices that it
    declares, and its text after the file's own head.
    """

    file: Path
    number: int
    line: int
    particles: int
    vertices: int
    text: bytes
    head: bytes

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


def event_texts(path: Path) -> Iterator[EventText]:
    """All events of a file. Raises UserError for another format, a file cut short, and two files joined."""
    head, lines, start, number, ended = b"", [], 0, 0, False
    with opened(path) as file:
        for line, text in enumerate(_from_the_start(lines_of(file, path), path), 1):
            if text.startswith(b"E "):
                if ended:
                    raise _joined(path, line)
                if lines:
                    yield _event(path, number, start, lines, head)
                    number += 1
                lines, start = [text], line
            elif text.startswith(END):
                ended = True
            elif ended and text.strip():
                raise _joined(path, line)
            elif lines:
                lines.append(text)
            else:
                head += text
    if not ended:
        what = f"is cut short: it ends inside of event {number}, without its line {END.decode()}"
        raise UserError(path, what, "fetch it again, or let the generator close the file")
    if lines:
        yield _event(path, number, start, lines, head)


def _from_the_start(file: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """The file's lines, once the first two say that it is HepMC3."""
    seen = b""
    for text in file:
        if not seen and text.strip():
            if not text.startswith(VERSION):
                other = next((what for sign, what in OTHERS.items() if text.startswith(sign)), "is no HepMC3 file")
                raise UserError(path, f"{other}: it begins with {_shown(text)}", "give HepMC3 ASCII files")
            seen = text
        elif seen == b"":
            pass
        elif seen != START and text.strip():
            if not text.startswith(START):
                raise UserError(
                    path, f"has no HepMC3 ASCII listing: found {_shown(text)}", f"expected {START.decode()}"
                )
            seen = START
        yield text
    if seen != START:
        raise UserError(path, "holds no HepMC3 event listing", "fetch it again, or take it out of the files")


def _event(path: Path, number: int, line: int, lines: list[bytes], head: bytes) -> EventText:
    try:
        _, _, vertices, particles = (word.decode() for word in lines[0].split()[:4])
        return EventText(path, number, line, int(particles), int(vertices), b"".join(lines), head)
    except ValueError:
        what = f"is no beginning of an event: {_shown(lines[0])}"
        raise UserError(f"{path}:{line}", what, "expected 'E number vertices particles'") from None


def _joined(path: Path, line: int) -> UserError:
    what = "stands after the end of the listing: two files were joined"
    return UserError(f"{path}:{line}", what, "give them as two files")


def _shown(text: bytes) -> str:
    return repr(text[:40].decode("ascii", "replace").strip())
