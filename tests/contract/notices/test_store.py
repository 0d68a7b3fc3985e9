"""What somebody is told: once, in the transaction of what there is to tell, and only to be read by them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub_extensions.admission.database import Database
from hub_extensions.admission.tables import METADATA
from hub_extensions.notices import Kind, Notice, Notices, post

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def notice(to: str = "ada", key: str = "budget/a/80", **fields: object) -> Notice:
    plain = Notice(to=to, kind=Kind.BUDGET, key=key, subject="80 % used", text="There is little left.", at=NOW)
    return replace(plain, **fields)


def test_what_migrations_make_is_what_the_code_thinks(database: Database) -> None:
    with database.reading() as connection:
        seen = sa.inspect(connection)
        for name in ("remuda_notice", "remuda_outbox", "remuda_notice_person"):
            table = METADATA.tables[name]
            columns = {column["name"]: column["nullable"] for column in seen.get_columns(name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            indexes = {index["name"] for index in seen.get_indexes(name) if not index.get("duplicates_constraint")}
            assert indexes == {index.name for index in table.indexes}


def test_the_same_is_told_once_to_each(database: Database) -> None:
    notices = Notices(database)
    assert notices.post_all([notice(), notice(), notice("bea"), notice(key="budget/a/95")], NOW) == 3
    assert notices.post_all([notice(at=NOW + DAY, text="Other words.")], NOW + DAY) == 0
    assert [kept.notice for kept in notices.of_user("bea")] == [notice("bea")]
    assert notices.unread("ada") == 2
    notices.read("ada", "all", NOW)
    assert notices.post_all([notice()], NOW) == 0, "what was read has been told, too"


def test_a_notice_is_kept_exactly_when_what_it_tells_of_is(database: Database) -> None:
    with pytest.raises(RuntimeError), database.writing() as connection:
        assert post(connection, notice())
        raise RuntimeError("what there was to tell did not happen")
    notices = Notices(database)
    assert notices.unread("ada") == 0
    with database.writing() as connection:
        assert post(connection, notice())
    assert notices.unread("ada") == 1


def test_the_newest_comes_first_and_only_ones_own_can_be_read(database: Database) -> None:
    notices = Notices(database)
    notices.post_all([notice(key=str(n), at=NOW + n * DAY) for n in range(4)] + [notice("bea", "x")], NOW)
    kept = notices.of_user("ada", 3)
    assert [each.notice.key for each in kept] == ["3", "2", "1"]
    beas = notices.of_user("bea")[0].id
    assert notices.read("ada", [kept[0].id, beas], NOW + 5 * DAY) == 1
    assert notices.of_user("ada")[0].read_at == NOW + 5 * DAY
    assert (notices.unread("ada"), notices.unread("bea")) == (3, 1)
    assert notices.read("ada", [kept[0].id], NOW + 6 * DAY) == 0, "the first time counts"
    assert [each.notice.key for each in notices.of_user("ada", unread=True)] == ["2", "1", "0"]


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 10**19, 10**30, 0, -1, -(10**30)])
def test_a_number_that_no_notice_has_is_nobodys(database: Database, number: int) -> None:
    notices = Notices(database)
    notices.post_all([notice()], NOW)
    [kept] = notices.of_user("ada")
    assert notices.read("ada", [number], NOW) == 0
    assert notices.read("ada", [number, kept.id], NOW) == 1


def test_words_of_strangers_are_kept_without_tricks(database: Database) -> None:
    notices = Notices(database)
    tricky = notice(subject="One\r\nBcc: all@example.org\x07", text="a\u202eb\r\nc\x00" + "d" * 5000)
    notices.post_all([tricky], NOW)
    kept = notices.of_user("ada")[0].notice
    assert kept.subject == "One Bcc: all@example.org"
    assert kept.text.startswith("ab\nc") and len(kept.text) == 4000 and kept.text.endswith("…")


def test_old_ones_go_and_those_of_an_account_that_is_gone(database: Database) -> None:
    notices = Notices(database)
    notices.post_all([notice(key="read"), notice(key="unread"), notice("bea")], NOW)
    notices.read("ada", [kept.id for kept in notices.of_user("ada") if kept.notice.key == "read"], NOW)
    assert notices.tidy(NOW + 90 * DAY) == 0
    assert notices.tidy(NOW + 91 * DAY) == 1
    assert [kept.notice.key for kept in notices.of_user("ada")] == ["unread"]
    notices.set_by_mail("ada", False)
    notices.leave("ada")
    assert (notices.of_user("ada"), notices.by_mail("ada"), notices.unread("bea")) == ((), True, 1)
    assert notices.tidy(NOW + 366 * DAY) == 1


def test_mail_is_on_until_somebody_turns_it_off(database: Database) -> None:
    notices = Notices(database)
    assert notices.by_mail("ada")
    notices.set_by_mail("ada", False)
    assert (notices.by_mail("ada"), notices.by_mail("bea")) == (False, True)
    notices.set_by_mail("ada", True)
    assert notices.by_mail("ada")
