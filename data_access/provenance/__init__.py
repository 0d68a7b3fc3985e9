"""What data were made from, by which code, in which environment; and how to have that again.

    with inputs("sales.orders", "crm.customers"):           # or simply after load_dataframe in the same session
        store_dataframe(report, "sandbox_ann", "report")
    lineage("sandbox_ann.report")                           # the tree of what it was made from
    again = reconstruct("sandbox_ann.report@3:01J…")        # code version, inputs, what differs in the environment
    frames = again.load()                                   # the inputs, as they were

Nothing here raises because something is unknown: what can't be found out is None.
"""

from __future__ import annotations

from data_access.provenance.capture import code, uncommitted
from data_access.provenance.lineage import Lineage, lineage
from data_access.provenance.packages import environment
from data_access.provenance.reads import forget_reads, inputs, inputs_now, named_now, note_read, unnoted
from data_access.provenance.reconstruction import Reconstruction, reconstruct

__all__ = [
    "Lineage",
    "Reconstruction",
    "code",
    "environment",
    "forget_reads",
    "inputs",
    "inputs_now",
    "lineage",
    "named_now",
    "note_read",
    "reconstruct",
    "uncommitted",
    "unnoted",
]
