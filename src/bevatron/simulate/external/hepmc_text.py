"""HepMC ASCII files of version 3 or 2 cut into the texts of their events, so that these are counted cheaply."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bevatron.errors import UserError
from bevatron.simulate.external.external_files import open_plain_or_gzip, read_lines
from bevatron.simulate.external.hepmc_lines import HEPMC2, HEPMC3, Lines

VERSION = b"HepMC::Version "
OTHERS = {
    b"<LesHouchesEvents": "is a Les Houches file of hard processes",
    b"root": "is a ROOT file",
}


@dataclass(frozen=True)
class Listing:
    """A form of file: the lines before and after its events, pyhepmc's reader of it, and what its lines are."""

    start: bytes
    end: bytes
    reader: str
    lines: Lines


LISTINGS = (
    Listing(b"HepMC::Asciiv3-START_EVENT_LISTING", b"HepMC::Asciiv3-END_EVENT_LISTING", "ReaderAscii", HEPMC3),
    Listing(
        b"HepMC::IO_GenEvent-START_EVENT_LISTING", b"HepMC::IO_GenEvent-END_EVENT_LISTING", "ReaderAsciiHepMC2", HEPMC2
    ),
)


@dataclass(frozen=True)
class EventText:
    """One event: its index in the file, the line where it starts, the numbers of particles and vertices that it
    declares, its text, the header of the file, and the form of both.
    """

    file: Path
    number: int
    line: int
    particles: int
    vertices: int
    text: bytes
    head: bytes
    listing: Listing = LISTINGS[0]

    @property
    def where(self) -> str:
        """The file and the line where the event starts, for messages."""
        return f"{self.file}:{self.line}"


def read_event_texts(path: Path) -> Iterator[EventText]:
    """All events of a file. Raises UserError for another format, a file cut short, and two files joined."""
    head, lines, start, number, ended, listing = b"", [], 0, 0, False, LISTINGS[0]
    with open_plain_or_gzip(path) as file:
        for line, text in enumerate(_check_header(read_lines(file, path), path), 1):
            if not ended and not lines:
                listing = next((form for form in LISTINGS if text.startswith(form.start)), listing)
            if text.startswith(b"E "):
                if ended:
                    raise _joined_files_error(path, line)
                if lines:
                    yield _parse_event(path, number, start, lines, head, listing)
                    number += 1
                lines, start = [text], line
            elif text.startswith(listing.end):
                ended = True
            elif ended and text.strip():
                raise _joined_files_error(path, line)
            elif lines:
                lines.append(text)
            else:
                head += text
    if not ended:
        what = f"is cut short: it ends inside of event {number}, without its line {listing.end.decode()}"
        raise UserError(path, what, "fetch it again, or let the generator close the file")
    if lines:
        yield _parse_event(path, number, start, lines, head, listing)


def _check_header(file: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """The file's lines, once the first two say that it is HepMC."""
    header, found = b"", False
    for text in file:
        if not header and text.strip():
            if not text.startswith(VERSION):
                other = next((what for sign, what in OTHERS.items() if text.startswith(sign)), "is no HepMC3 file")
                raise UserError(path, f"{other}: it begins with {_quote(text)}", "give HepMC ASCII files")
            header = text
        elif header == b"":
            pass
        elif not found and text.strip():
            if not text.startswith(tuple(form.start for form in LISTINGS)):
                expected = " or ".join(form.start.decode() for form in LISTINGS)
                raise UserError(path, f"has no HepMC ASCII listing: found {_quote(text)}", f"expected {expected}")
            found = True
        yield text
    if not found:
        raise UserError(path, "holds no HepMC event listing", "fetch it again, or take it out of the files")


def _parse_event(path: Path, number: int, line: int, lines: list[bytes], head: bytes, listing: Listing) -> EventText:
    try:
        fields = lines[0].split()
        if listing.lines is HEPMC2:
            vertices, particles = int(fields[8]), _particles_of_vertices(lines)
        else:
            vertices, particles = int(fields[2]), int(fields[3])
        return EventText(path, number, line, particles, vertices, b"".join(lines), head, listing)
    except (ValueError, IndexError):
        what = f"is no beginning of an event: {_quote(lines[0])}"
        todo = "expected 'E number vertices particles'" if listing.lines is HEPMC3 else ""
        raise UserError(f"{path}:{line}", what, todo) from None


def _particles_of_vertices(lines: list[bytes]) -> int:
    """How many particles the vertices of a HepMC2 event say that they list."""
    vertices = [line.split() for line in lines if line.startswith(b"V ")]
    return sum(int(fields[7]) + int(fields[8]) for fields in vertices if len(fields) > 8)


def _joined_files_error(path: Path, line: int) -> UserError:
    what = "comes after the end of the listing: two files were joined"
    return UserError(f"{path}:{line}", what, "give them as two files")


def _quote(text: bytes) -> str:
    return repr(text[:40].decode("ascii", "replace").strip())
