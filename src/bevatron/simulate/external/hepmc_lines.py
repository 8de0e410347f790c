"""The lines of one HepMC event: blanks put right, and whatever is no line of the format found before it is read.

HepMC's own readers take one blank between numbers, and count on from each: of columns that are padded they read other
numbers, or zeros, without a word. They take a word that is no number for 0, and an unknown unit for GeV and mm.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from bevatron.errors import UserError

INTEGER = rb"-?\d+"
NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
UNITS = rb"U (?:GEV|MEV) (?:MM|CM)"
PADDED = re.compile(rb"  |[\t\r\v\f]| $|\[ |, | \]|^ ", re.M)
NUMBERED_LINE = re.compile(rb"^[ \t]*[EUWPV][ \t].*$", re.M)
LONG = re.compile(rb"^[PV] (?:.*[^\d.])?\d{10}.*$", re.M)  # it may have an integer of more than 32 bits
BITS = 31


@dataclass(frozen=True)
class Lines:
    """What lines an event of a format has. integers: by the line's letter, the words that are integers."""

    name: str
    malformed: re.Pattern[bytes]
    integers: dict[bytes, tuple[int, ...]]


def _not_one_of(patterns: list[bytes], others: bytes) -> re.Pattern[bytes]:
    allowed = b"|".join(pattern + b"$" for pattern in patterns)
    return re.compile(rb"^(?!" + allowed + rb"|[" + others + rb"](?: .*)?$).+$", re.M)


HEPMC3 = Lines(
    "HepMC3",
    _not_one_of(
        [
            rb"P \d+ -?\d+ -?\d+(?: " + NUMBER + rb"){5} -?\d+",
            rb"V -?\d+ -?\d+ \[[\d,]*\](?: @(?: " + NUMBER + rb"){4})?",
            rb"E " + INTEGER + rb" \d+ \d+(?: @(?: " + NUMBER + rb"){4})?",
            UNITS,
        ],
        rb"AWTN",
    ),
    {b"P": (1, 2, 3, 9), b"V": (1, 2)},
)
HEPMC2 = Lines(
    "HepMC2",
    _not_one_of(
        [
            rb"P \d+ -?\d+(?: " + NUMBER + rb"){5} -?\d+(?: " + NUMBER + rb"){2} -?\d+ \d+(?: -?\d+)*",
            rb"V -?\d+ -?\d+(?: " + NUMBER + rb"){4} \d+ \d+ \d+(?: " + NUMBER + rb")*",
            rb"E(?: " + NUMBER + rb"){9,}",
            UNITS,
        ],
        rb"NCHFD",
    ),
    {b"P": (1, 2, 8, 11), b"V": (1, 2)},
)


def normalize_lines(text: bytes, lines: Lines, file: Path, first_line: int) -> bytes:
    """The event's text with single blanks between its numbers, and line ends as on Unix.

    first_line: where in the file it begins. Raises UserError, naming file and line, for a line that the format does not
    have, and for an integer of more than 32 bits.
    """
    if PADDED.search(text):
        text = NUMBERED_LINE.sub(_single_blanks, text.replace(b"\r\n", b"\n"))
        text = b"\n".join(line.rstrip(b" \t") for line in text.split(b"\n"))
    if malformed := lines.malformed.search(text):
        kind = "particle or vertex" if malformed[0][:1] in b"PV" else "line"
        what = f"is no {kind} of {lines.name}: {_quote(malformed[0])}"
        raise UserError(_place(text, malformed, file, first_line), what, "write the file again")
    for found in LONG.finditer(text):
        words = found[0].split()
        for place in lines.integers[words[0]]:
            if abs(int(words[place])) >> BITS:
                what = f"has an integer of more than 32 bits, {words[place].decode()[:40]}: {_quote(found[0])}"
                raise UserError(_place(text, found, file, first_line), what, "see what wrote the file")
    return text


def _single_blanks(line: re.Match[bytes]) -> bytes:
    text = b" ".join(line[0].split())
    return re.sub(rb"\[[^\]]*\]", lambda ids: ids[0].replace(b" ", b""), text)


def _place(text: bytes, found: re.Match[bytes], file: Path, first_line: int) -> str:
    return f"{file}:{first_line + text[: found.start()].count(bytes([10]))}"


def _quote(line: bytes) -> str:
    return repr(line[:60].decode("ascii", "replace"))
