"""Damage to the bytes of a text file, drawn: bits turned, bytes that are no UTF-8, cuts, and what disks leave."""

import random

ODD_BYTES = (b"\xff", b"\xfe\xff", b"\x00", b"\x1b[31m", b"\xc3", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\r", b"\x85",
             b"\xef\xbb\xbf", b"\x7f")  # fmt: skip
ODD_TEXTS = (b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"99999999999999999999", b"-1", b"true", b"null", b"[]", b"{}",
             b'"', b"'", b":", b",", b"- ", b"&a", b"*a", b"!!set", b"\\ud800", b"\t", b"=1+1", b"")  # fmt: skip


def damage(content: bytes, rng: random.Random) -> bytes:
    """One to three damages of any kind."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        content = rng.choice([turn_bit, insert_odd_bytes, replace_word, cut, zero_block, swap_parts])(content, rng)
    return content


def turn_bit(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return content
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]


def insert_odd_bytes(content: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + rng.choice(ODD_BYTES) + content[at:]


def replace_word(content: bytes, rng: random.Random) -> bytes:
    """A run of characters becomes another."""
    start = rng.randint(0, len(content))
    stop = min(len(content), start + rng.randint(0, 12))
    return content[:start] + rng.choice(ODD_TEXTS) + content[stop:]


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randint(0, len(content))]


def zero_block(content: bytes, rng: random.Random) -> bytes:
    start = rng.randint(0, len(content))
    length = min(len(content) - start, rng.randint(0, 64))
    return content[:start] + b"\0" * length + content[start + length :]


def swap_parts(content: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[at:] + content[:at]
