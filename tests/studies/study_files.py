"""Small files of exactly the layouts of public data sets, in the folders where the ready studies look for them.

Names, types, shapes, padding and attributes are those of the published files; the numbers are drawn, with a signal that
can be learned. Each writer returns what the study must find.
"""

from collections.abc import Callable
from pathlib import Path

from event_files import galaxy10, higgs, higgsml, microboone
from jet_files import jetclass, quark_gluon, top_tagging
from tagging_files import atlas_flavour, salt_tutorial
from written_truth import Truth

WRITERS: dict[str, Callable[[Path], Truth]] = {
    f.__name__: f
    for f in (jetclass, top_tagging, quark_gluon, higgs, higgsml, atlas_flavour, salt_tutorial, microboone, galaxy10)
}
