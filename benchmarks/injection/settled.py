"""What of a published file must repeat from run to run: everything but the times that it tells."""

import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

TIMED_KEYS = re.compile(r".*(seconds|per_second|share_in_generator).*|data_wait|continued|history_sha256")
TIMED_COLUMNS = re.compile(r"seconds|data_wait|samples / s|.*waiting.*")
TIMED_TABLES = ("stage", "what")  # first columns of the report's tables of timings, whose texts tell fractions of time
TIMED_FILES = ("history.csv", "run.json", "trials.csv")  # their SHA-256 in other files differs from run to run


def fingerprint(path: Path) -> str:
    """SHA-256 of the file's content without the times in it; ValueError for a file that is not whole."""
    content = path.read_bytes()
    match path.suffix:
        case ".json":
            tree = json.loads(content)
            if path.name != "manifest.json":
                tree.pop("sha256", None)  # a seal, of the times too
            if path.name == "claims.json":
                tree = {key: value for key, value in tree.items() if key not in ("results", "page")}
            tree = _origins_without_times(tree) if path.name == "provenance.json" else _without_times(tree)
            content = json.dumps(tree, sort_keys=True).encode()
        case ".csv":
            content = _table_without_times(content.decode("utf-8-sig"))
        case ".html":
            content = _page_without_times(content.decode())
    return hashlib.sha256(content).hexdigest()


def _without_times(tree: Any) -> Any:
    if isinstance(tree, dict):
        kept = {k: v for k, v in tree.items() if not TIMED_KEYS.fullmatch(k) and k not in TIMED_FILES}
        return {key: _without_times(value) for key, value in kept.items()}
    return [_without_times(value) for value in tree] if isinstance(tree, list) else tree


def _origins_without_times(tree: dict[str, Any]) -> Any:
    """Of the report's provenance.json: no digests of files that tell times, no numbers of timed columns."""
    numbers = [n for n in tree["numbers"] if not TIMED_COLUMNS.fullmatch(n["column"]) and "timings" not in n["table"]]
    return _without_times({key: tree[key] for key in tree if key not in ("files", "pages")} | {"numbers": numbers})


def _table_without_times(text: str) -> bytes:
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    head, *rows = csv.reader(io.StringIO(text))
    if any(len(row) != len(head) for row in rows):
        raise ValueError("rows of different lengths")
    if tuple(head[:2]) == TIMED_TABLES:
        rows = [row[:1] for row in rows]
    else:
        rows = [
            [cell for name, cell in zip(head, row, strict=True) if not TIMED_COLUMNS.fullmatch(name)] for row in rows
        ]
    return repr((head, rows)).encode()


def _page_without_times(text: str) -> bytes:
    if not text.rstrip().endswith("</html>"):
        raise ValueError("the page has no end")
    page = _Page()
    page.feed(text)
    return repr(page.seen).encode()


class _Page(HTMLParser):
    """All that stands in a page but the cells of timed columns, and the times among the data of its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self._head: list[str] = []
        self._column, self._in_head, self._in_data = -1, False, False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.seen.append((tag, attrs))
        self._in_head = tag == "th"
        self._in_data = ("type", "application/json") in attrs
        if tag == "table":
            self._head = []
        elif tag == "tr":
            self._column = -1
        elif tag == "th":
            self._head.append("")
        elif tag == "td":
            self._column += 1

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)
        self._in_data = False
        if tag == "table":
            self._head, self._column = [], -1

    def handle_data(self, data: str) -> None:
        if self._in_head and self._head:
            self._head[-1] += data
        if self._in_data:
            data = json.dumps(_without_times(json.loads(data)), sort_keys=True)
        if not self._timed():
            self.seen.append(data)

    def _timed(self) -> bool:
        if not 0 <= self._column < len(self._head):
            return False
        if tuple(self._head[:2]) == TIMED_TABLES:
            return self._column > 0
        return TIMED_COLUMNS.fullmatch(self._head[self._column]) is not None
