"""What columns are for, by their names and values: weights, ids, truth, flags of elements."""

import re
from typing import Any

import numpy as np

from bevatron.draft.profile import ValueSummary

FLAGS = re.compile(r"(^|[_.])(valid|mask|exists?|is_?real|is_?valid|present)$", re.IGNORECASE)
WEIGHT = re.compile(r"weight|(^|[_.])(w|wt|wgt|evtw|sf|xsec)s?($|[_.])", re.IGNORECASE)
EVENT = re.compile(
    r"(^|[_.])(run|lumi|luminosity_?block|lumi_?block|event|evt|entry|eventid|entryid)_?(number|no|nr|num|id)?$",
    re.IGNORECASE,
)
INDEX = re.compile(r"(^|[_.])(id|idx|index|uid|row|unnamed: 0)$|(_|[a-z])(Id|ID|Number)$|_id$|_idx$", re.IGNORECASE)
TRUTH = re.compile(
    r"(^|[_.])(truth|true|label|target|aux|kaggle|gen(?=[_.A-Z]|jet|part|weight|$)|(?:mc|sim)(?=[_.A-Z]|$))"
    r"|(truth|origin|label)s?$|TruthLabel|truth[A-Z_]|(^|[_.])(ttv|split|fold|is_?(train|test|val))$"
    r"|HadronCone|hadronFlavour|partonFlavour",
    re.IGNORECASE,
)
CASED = re.compile(r"(?:^|[_.])(gen|mc|sim)([a-z])")  # `general` and `simple` are no truth
WEIGHT_VALUES = (0.2, 5.0)  # a mean between these goes with a weight


def is_truth(name: str) -> bool:
    """Whether the name says that the column is known in a simulation alone, or says where a row belongs."""
    match = TRUTH.search(name)
    if match is None:
        return False
    if match.group(1) is not None and match.group(1).lower() in ("gen", "mc", "sim"):
        return not CASED.search(name) or bool(re.search(r"(^|[_.])gen(jet|part|weight)", name, re.IGNORECASE))
    return True


def is_weight(name: str, profile: ValueSummary) -> bool:
    """Whether the column looks like a weight: its name says so, and its values are numbers of one sort."""
    return bool(WEIGHT.search(name)) and not profile.is_text and profile.n_distinct > 0


def is_event_number(name: str, profile: ValueSummary) -> bool:
    """Whether the column numbers runs or events by its name."""
    return bool(EVENT.search(name)) and profile.is_whole and profile.missing == 0 and not profile.is_text


def is_index(name: str, profile: ValueSummary, values: Any) -> bool:
    """Whether the column numbers the rows: whole, and no value twice."""
    if profile.is_text or not profile.is_whole or profile.missing or profile.n < 20 or profile.n_distinct < profile.n:
        return False
    numbers = np.asarray(values)
    return bool(INDEX.search(name)) or numbers.dtype.kind in "iu" or bool(EVENT.search(name))
