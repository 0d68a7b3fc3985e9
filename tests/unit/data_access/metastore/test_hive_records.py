"""Names of partitions as Hive makes them, and what its server says."""

from __future__ import annotations

import pytest
from hive_metastore.ttypes import InvalidOperationException, MetaException
from thrift.Thrift import TApplicationException

from data_access.errors import DataError, ForbiddenError, Reason, SchemaError, UnreachableError
from data_access.metastore.base import Capabilities, HiveColumn, PartitionRecord
from data_access.metastore.hive.failures import explained, head_in, modified
from data_access.metastore.hive.records import kept_wide
from data_access.metastore.partition_names import check_lengths, partition_name
from data_access.names import TableName

KEYS = (HiveColumn("Day", "string"), HiveColumn("shop", "string"))
NAME = TableName("sales", "orders")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (("2026-11-20", "a/b"), "day=2026-11-20/shop=a%2Fb"),
        (("100 %", "köln 🐎"), "day=100 %25/shop=köln 🐎"),
        (("", "__HIVE_DEFAULT_PARTITION__"), "day=__HIVE_DEFAULT_PARTITION__/shop=__HIVE_DEFAULT_PARTITION__"),
        (("a=b:c", "{x}[y]^z"), "day=a%3Db%3Ac/shop=%7Bx}%5By%5D%5Ez"),
        (("\t\n\x7f", "'\"*?\\#"), "day=%09%0A%7F/shop=%27%22%2A%3F%5C%23"),
    ],
)
def test_names_of_partitions(values: tuple[str, ...], name: str) -> None:
    assert partition_name(KEYS, values) == name


HIVE = Capabilities(True, False, False, True, partition_value_length=256, partition_name_length=767)


def test_what_does_not_fit_is_named() -> None:
    def check(*values: str, able: Capabilities = HIVE) -> None:
        check_lengths(able, NAME, KEYS, [PartitionRecord(("1", "2"), ""), PartitionRecord(values, "")])

    check("v" * 256, "w" * 256)
    with pytest.raises(DataError, match="a 'shop' of 257 characters") as caught:
        check("v", "w" * 257)
    assert caught.value.reason is Reason.BAD_PARTITION
    with pytest.raises(DataError, match="a name of 910 characters"):
        check("/" * 200, "/" * 100)  # three characters each
    check("v" * 999, "w", able=Capabilities(True, True, True, False))


def test_a_lost_race_is_told_from_other_refusals() -> None:
    said = (
        "The table has been modified. The parameter value for key 'remuda.head' is '5:a:b'. "
        "The expected was value was '4:c:d'"
    )
    assert modified(MetaException(said))
    assert head_in(MetaException(said)) == "5:a:b"
    assert not modified(MetaException("Unable to alter"))
    assert not modified(InvalidOperationException(said))
    assert head_in(MetaException("The table has been modified")) is None


UNKNOWN_METHOD = TApplicationException(TApplicationException.UNKNOWN_METHOD, "Invalid method name")
REFUSED = MetaException("java.net.ConnectException: Connection refused\n\tat x.y(Z.java:1)")


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (MetaException("AccessControlException: Permission denied: user=ann"), ForbiddenError, Reason.FORBIDDEN),
        (MetaException("value too long for type character varying(256)"), DataError, Reason.BAD_ARGUMENT),
        (
            InvalidOperationException("types incompatible with the existing columns in their positions :\nid"),
            SchemaError,
            Reason.SCHEMA_MISMATCH,
        ),
        (UNKNOWN_METHOD, DataError, Reason.NOT_SUPPORTED),
        (REFUSED, UnreachableError, Reason.UNREACHABLE),
        (MetaException(None), UnreachableError, Reason.UNREACHABLE),
    ],
)  # fmt: skip
def test_what_the_server_says_is_said_in_our_tree(error: Exception, kind: type[DataError], reason: Reason) -> None:
    ours = explained(error, "commit to 'sales.orders'", "thrift://m:9083")
    assert isinstance(ours, kind)
    assert ours.reason is reason
    assert "thrift://m:9083" in ours.sentence
    assert "java" not in str(ours).lower().replace("connection", "")
    assert "\n" not in str(ours)


@pytest.mark.parametrize(
    ("now", "wanted", "kept"),
    [
        ("bigint", "int", "bigint"),
        ("int", "bigint", "bigint"),
        ("double", "float", "double"),
        ("double", "int", "double"),
        ("double", "bigint", "bigint"),  # never widened to it: not the way back
        ("decimal(20,2)", "decimal(10,2)", "decimal(20,2)"),
        ("decimal(20,2)", "decimal(10,3)", "decimal(10,3)"),
        ("string", "int", "int"),
        ("int", "int", "int"),
    ],
)
def test_the_wider_type_stays(now: str, wanted: str, kept: str) -> None:
    new = (HiveColumn("a", wanted, "new"), HiveColumn("b", "string"))
    assert kept_wide((HiveColumn("a", now),), new) == (HiveColumn("a", kept, "new"), HiveColumn("b", "string"))
    assert kept_wide((HiveColumn("other", now),), new) == new
    assert kept_wide((HiveColumn("a", now), HiveColumn("b", "string"), HiveColumn("c", "int")), new[:1])[0].type == kept
