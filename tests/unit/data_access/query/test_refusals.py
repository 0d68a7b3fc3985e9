"""A query that does not run: what is wrong in plain words, where, and which name may be meant."""

from __future__ import annotations

import pandas as pd
import pytest

from data_access import sql
from data_access.errors import DataError, Reason

FRAMES = {
    "c": pd.DataFrame({"country": ["NL"], "customer": [1], "Amount": [1.0]}),
    "o": pd.DataFrame({"day": ["x"], "customer": [2], "amount": [3.0]}),
}


@pytest.mark.parametrize(
    ("query", "told", "line", "below", "remedy"),
    [
        ("select c.contry from c", "c has no column contry", 1, "c.contry", "Did you mean country?"),
        (
            "select o.day\nfrom o join c using (customer)\nwhere C.contry = 'NL'", "c has no column contry", 3,
            "C.contry", "Did you mean country?",
        ),
        ("select x.contry from c x", "x has no column contry", 1, "x.contry", "Did you mean country?"),
        ("select o.zzz from o", "o has no column zzz", 1, "o.zzz", "There are: amount, customer, day."),
        ("select contry from c", "no table of the query has a column contry", 1, "contry", "Did you mean country?"),
        ("select 'äöü', dy from o", "no table of the query has a column dy", 1, "dy", "Did you mean day?"),
        (
            "with t as (select country as land from c) select lant from t",
            "no table of the query has a column lant", 1, "lant", "Did you mean land?",
        ),
        (
            'select * from c where country = "NL"', "no table of the query has a column NL", 1, '"NL"',
            "If it is a text, write 'NL'.",
        ),
        ("select x.country from c", "it reads no table x", 1, "x.country", "There are: c."),
        ("select lenght(country) from c", "there is no function lenght", 1, "lenght", "Did you mean length?"),
        (
            "select sum(day) from o", "there is no sum(VARCHAR)", 1, "sum",
            "Cast what it is given, such as amount::double.",
        ),
        (
            "select customer from o, c", "customer is a column of several tables", 1, "customer",
            "Write o.customer or c.customer.",
        ),
        (
            "select country, sum(customer) from c", "country is neither grouped by nor aggregated", 1, "country",
            "Group by it, or take any_value(country).",
        ),
        ("explain select dy from o", "no table of the query has a column dy", 1, "dy", "Did you mean day?"),
        ("selct 1", 'syntax error at or near "selct"', 1, "selct", "Correct the query at the mark."),
    ],
)  # fmt: skip
def test_what_where_and_what_may_be_meant(query: str, told: str, line: int, below: str, remedy: str) -> None:
    with pytest.raises(DataError) as caught:
        sql(query, frames=FRAMES)
    said = caught.value.sentence.splitlines()
    assert said[0] == f"The query does not run: {told}."
    assert said[1] == f"LINE {line}: {query.splitlines()[line - 1]}"
    first, last = said[2].index("^"), said[2].rindex("^") + 1
    assert said[1][first:last] == below
    assert set(said[2].strip()) == {"^"}
    assert caught.value.remedy == remedy
    assert caught.value.reason == Reason.BAD_QUERY
    assert not any(word in str(caught.value) for word in ("Binder", "Catalog Error", "Values list", "bindings"))


def test_what_has_no_place_is_said_all_the_same() -> None:
    with pytest.raises(DataError, match=r"no value is given for parameter 1\. Give it with params=\."):
        sql("select * from o where amount > ?", frames=FRAMES)
    with pytest.raises(DataError, match="Could not convert string 'x'"):
        sql("select day::int from o", frames=FRAMES)
