"""Hive's exceptions as ours. A server says most of it in the text of a MetaException, so texts are what is matched."""

from __future__ import annotations

import re

from hive_metastore import ttypes
from thrift.Thrift import TApplicationException

from data_access.errors import DataError, ForbiddenError, Reason, SchemaError, UnreachableError

#: HIVE-26882. After it: "… The parameter value for key 'remuda.head' is '5:…'. The expected was value was '4:…'".
MODIFIED = "The table has been modified"
_NOW = re.compile(r"The parameter value for key '[^']*' is '([^']*)'")
NOT_FOUND = (ttypes.NoSuchObjectException, ttypes.UnknownDBException, ttypes.UnknownTableException)
THERE = ttypes.AlreadyExistsException
HIVE = (
    ttypes.MetaException,
    ttypes.InvalidOperationException,
    ttypes.InvalidObjectException,
    ttypes.InvalidInputException,
    ttypes.UnknownPartitionException,
    ttypes.InvalidPartitionException,
    ttypes.ConfigValSecurityException,
    ttypes.NoSuchTxnException,
    ttypes.TxnAbortedException,
    ttypes.TxnOpenException,
    TApplicationException,
    THERE,
    *NOT_FOUND,
)


def modified(error: Exception) -> bool:
    """True of the answer to a swap whose expectation does not hold."""
    return isinstance(error, ttypes.MetaException) and str(error.message or "").startswith(MODIFIED)


def head_in(error: Exception) -> str | None:
    """Which value the server found instead, where it says so."""
    found = _NOW.search(str(getattr(error, "message", "")))
    return found[1] if found else None


def explained(error: Exception, doing: str, place: str) -> DataError:
    """What the server said, in our tree. `doing` completes 'could not …'."""
    said = _first_line(error)
    lowered = said.lower()
    sentence = f"{place} could not {doing}: {said}."
    if isinstance(error, TApplicationException) and error.type == TApplicationException.UNKNOWN_METHOD:
        return DataError(Reason.NOT_SUPPORTED, sentence, "Versions 2.3.10 and 4.0.1 are known to work.")
    if any(word in lowered for word in ("permission denied", "accesscontrolexception", "not authorized", "unauthor")):
        return ForbiddenError(Reason.FORBIDDEN, sentence, "Ask whoever runs the metastore for the right.")
    if "too long" in lowered or "data truncation" in lowered:
        return DataError(
            Reason.BAD_ARGUMENT,
            sentence,
            "A name, comment or partition value is longer than this server's tables take.",
        )
    if "incompatible with the existing columns" in lowered:
        return SchemaError(
            Reason.SCHEMA_MISMATCH,
            sentence,
            "The server refuses this change of types (hive.metastore.disallow.incompatible.col.type.changes).",
        )
    if isinstance(error, ttypes.InvalidObjectException | ttypes.InvalidInputException):
        return DataError(Reason.BAD_ARGUMENT, sentence, "See which name or type it does not take.")
    return UnreachableError(
        Reason.UNREACHABLE, sentence, "Repeat it; if it stays so, the log of the metastore says more."
    )


def _first_line(error: Exception) -> str:
    """Java's exception classes in front, and a stack behind, help nobody."""
    lines = str(getattr(error, "message", None) or error).strip().splitlines() or [type(error).__name__]
    text = f"{lines[0]} {', '.join(lines[1:4])}" if lines[0].rstrip().endswith(":") else lines[0]
    return re.sub(r"^(?:[\w.$]+(?:Exception|Error):?\s*\(?(?:message:)?)+", "", text).strip(" .)")[:300] or text[:300]
