"""HepMC3 ASCII files cut into the texts of their events, so that events are counted and skipped cheaply."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bevatron.errors import UserError
from bevatron.simulate.external.external_files import open_plain_or_gzip, read_lines

VERSION, START, END = b"HepMC::Version 3", b"HepMC::Asciiv3-START_EVENT_LISTING", b"HepMC::Asciiv3-END_EVENT_LISTING"
OTHERS = {
    b"HepMC::Version 2": "is a HepMC 2 file",
    b"HepMC::IO_GenEvent": "is a HepMC 2 file",
    b"<LesHouchesEvents": "is a Les Houches file of hard processes",
    b"root": "is a ROOT file",
}


@dataclass(frozen=True)
class EventText:
    """One event: its index in the file, the line where it starts, the numbers of particles and vertices that it
    declares, its text, and the header of the file.
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
        """The file and the line where the event starts, for messages."""
        return f"{self.file}:{self.line}"


def read_event_texts(path: Path) -> Iterator[EventText]:
    """All events of a file. Raises UserError for another format, a file cut short, and two files joined."""
    head, lines, start, number, ended = b"", [], 0, 0, False
    with open_plain_or_gzip(path) as file:
        for line, text in enumerate(_check_header(read_lines(file, path), path), 1):
            if text.startswith(b"E "):
                if ended:
                    raise _joined_files_error(path, line)
                if lines:
                    yield _parse_event(path, number, start, lines, head)
                    number += 1
                lines, start = [text], line
            elif text.startswith(END):
                ended = True
            elif ended and text.strip():
                raise _joined_files_error(path, line)
            elif lines:
                lines.append(text)
            else:
                head += text
    if not ended:
        what = f"is cut short: it ends inside of event {number}, without its line {END.decode()}"
        raise UserError(path, what, "fetch it again, or let the generator close the file")
    if lines:
        yield _parse_event(path, number, start, lines, head)


def _check_header(file: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """The file's lines, once the first two say that it is HepMC3."""
    header = b""
    for text in file:
        if not header and text.strip():
            if not text.startswith(VERSION):
                other = next((what for sign, what in OTHERS.items() if text.startswith(sign)), "is no HepMC3 file")
                raise UserError(path, f"{other}: it begins with {_quote(text)}", "give HepMC3 ASCII files")
            header = text
        elif header == b"":
            pass
        elif header != START and text.strip():
            if not text.startswith(START):
                raise UserError(
                    path, f"has no HepMC3 ASCII listing: found {_quote(text)}", f"expected {START.decode()}"
                )
            header = START
        yield text
    if header != START:
        raise UserError(path, "holds no HepMC3 event listing", "fetch it again, or take it out of the files")


def _parse_event(path: Path, number: int, line: int, lines: list[bytes], head: bytes) -> EventText:
    try:
        _, _, vertices, particles = (field.decode() for field in lines[0].split()[:4])
        return EventText(path, number, line, int(particles), int(vertices), b"".join(lines), head)
    except ValueError:
        what = f"is no beginning of an event: {_quote(lines[0])}"
        raise UserError(f"{path}:{line}", what, "expected 'E number vertices particles'") from None


def _joined_files_error(path: Path, line: int) -> UserError:
    what = "comes after the end of the listing: two files were joined"
    return UserError(f"{path}:{line}", what, "give them as two files")


def _quote(text: bytes) -> str:
    return repr(text[:40].decode("ascii", "replace").strip())
