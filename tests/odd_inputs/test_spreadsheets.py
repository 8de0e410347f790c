"""Tables that a spreadsheet opens as they are: names of a study compute nothing and turn into no dates."""

import csv
import io
import random
import string

import pytest
from odd_inputs import draws

from bevatron.csv_text import encode_table, format_rows, guard, read_rows

COMPUTED = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\n=1", "=cmd|' /C calc'!A0", "-", "+", "＝1", "＠x")
CHANGED = ("1:50:1", "12:30", "1-2", "3/4", "2026-11-29", "1.2.2026")
KEPT = ("1", "-1", "+1", "1.5", "-1e-05", "1e3", "inf", "-inf", "nan", "", "a", "a=1", "σ > 1",
        "x-y", "0", "007", "0.5", "-.5", "'tis", "5,5")  # fmt: skip


@pytest.mark.parametrize("text", [*COMPUTED, *CHANGED])
def test_texts_that_a_spreadsheet_would_change_are_guarded(text):
    assert guard(text) == f"'{text}"


@pytest.mark.parametrize("text", KEPT)
def test_numbers_and_words_are_as_they_are(text):
    assert guard(text) == text


def word(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.3:
        return rng.choice([*COMPUTED, *CHANGED, *KEPT])
    alphabet = "'=+-@\t\r\n,;\"'" + string.ascii_letters + string.digits + "äσ日\u202e\ufeff"
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 8)))


def test_a_table_is_read_again_as_it_was(tmp_path):
    """Whatever its cells; and no cell of the file begins as a formula but a number."""
    for _, rng in draws("tables", 150):
        n = rng.randint(1, 4)
        head = list(dict.fromkeys(word(rng).replace("\r", " ") or "x" for _ in range(n)))
        rows = [[rng.choice([word(rng), rng.gauss(0, 9), rng.randint(-9, 9)]) for _ in head] for _ in range(3)]
        rows = [row for row in rows if row != [""]]  # a blank line is no row
        path = tmp_path / "table.csv"
        path.write_bytes(encode_table(format_rows([head, *rows])))
        again = read_rows(path)
        assert [list(row) for row in again] == [head for _ in rows]
        assert [list(row.values()) for row in again] == [[str(cell).replace("\r", " ") for cell in row] for row in rows]
        text = path.read_bytes().decode("utf-8-sig")
        for cell in (cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row):
            if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
                float(cell)


def test_excel_knows_the_encoding():
    assert encode_table("a\n") == b"a\n"
    assert encode_table("σ\n").startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    "content", [b"a,b\n1\n", b"a,b\n1,2,3\n", b"a,a\n1,2\n", b"a\n\xff\n", b'a\n"' + b"x" * 200_000 + b'"\n']
)
def test_what_is_no_table_is_a_value_error(content, tmp_path):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"line|column|utf-8"):
        read_rows(tmp_path / "table.csv")
