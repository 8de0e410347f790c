"""What columns are for, by their names and values: weights, ids, truth, flags of elements."""

import re
from typing import Any

import numpy as np

from bevatron.draft.profile import ValueSummary

FLAGS = re.compile(r"(^|[_.])(valid|mask|exists?|is_?real|is_?valid|present)$", re.IGNORECASE)
WEIGHT = re.compile(r"weight|^(w|wt|wgt|sf|xsec)s?$|[_.](wt|wgt)s?$", re.IGNORECASE)
EVENT = re.compile(
    r"(^|[_.])(run|lumi|luminosity_?block|lumi_?block|event|evt|entry|eventid|entryid)_?(number|no|nr|num|id)?$",
    re.IGNORECASE,
)
INDEX = re.compile(r"(^|[_.])(id|idx|index|uid|row|unnamed: 0)$|(_|[a-z])(Id|ID|Number)$|_id$|_idx$", re.IGNORECASE)
TRUTH = re.compile(
    r"(^|[_.])(truth|true|label|target|aux|kaggle)|(truth|origin|label)s?$|truthlabel|hadroncone|hadronflavour"
    r"|partonflavour|(^|[_.])(ttv|split|fold|is_?(train|test|val))$",
    re.IGNORECASE,
)
GENERATED = re.compile(r"(^|[_.])(gen|Gen|GEN|mc|MC|sim|Sim)(?=[_.A-Z0-9]|jet|part|weight|$)|[a-z]Truth[A-Z_]")


def is_truth(name: str) -> bool:
    """Whether the name says that the column is known in a simulation alone, or says where a row belongs."""
    return bool(TRUTH.search(name) or GENERATED.search(name))


def is_weight(name: str, profile: ValueSummary) -> bool:
    """Whether the column looks like a weight: its name says so, and its values are numbers of one sort."""
    return bool(WEIGHT.search(name)) and not profile.is_text and profile.n_distinct > 0


def is_event_number(name: str, profile: ValueSummary) -> bool:
    """Whether the column numbers runs or events by its name."""
    return bool(EVENT.search(name)) and profile.is_whole and profile.missing == 0 and not profile.is_text


def is_index(name: str, profile: ValueSummary, values: Any) -> bool:
    """Whether the column numbers the rows: whole, no value twice, and called so or rising from row to row."""
    if profile.is_text or not profile.is_whole or profile.missing or profile.n < 20 or profile.n_distinct < profile.n:
        return False
    numbers = np.asarray(values)
    rising = numbers.dtype.kind in "iu" and bool((numbers[1:] > numbers[:-1]).all())
    return rising or bool(INDEX.search(name)) or bool(EVENT.search(name))
