"""What a person means by `where=`: SQL's text, pyarrow's expression, or the tuples that pandas and pyarrow know. Pure.

    amount > 100 and day between '2026-01-01' and '2026-01-31' or shop in ('a', 'b')
    "Unit Price" is not null and not name like 'x%'
    [("amount", ">", 100), ("shop", "in", ["a", "b"])]        all of them; a list of such lists: any of these

Columns are found in any case; values are checked against their types. A comparison with null is never true.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.errors import DataError, Reason
from data_access.names import did_you_mean
from data_access.tables.literals import among, compared
from data_access.tables.predicate import And, Arrow, Columns, IsNan, IsNull, Like, Not, Or, Predicate, expression

_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_PARTS = {"this", "expression", "expressions", "low", "high", "negate"}
_SHAPE = "Write for example: amount > 100 and shop in ('a', 'b'). Other conditions: load the rows, or use `sql`."


def predicate_of(where: object, schema: pa.Schema) -> Predicate | None:
    """Which rows are wanted; None is all. `schema` is what a reader of the table gets.

    Raises DataError: bad-predicate, unknown-column.
    """
    if where is None or (isinstance(where, str) and not where.strip()):
        return None
    if isinstance(where, str):
        return _of_text(where, schema)
    if isinstance(where, pc.Expression):
        return _arrow(where, schema)
    if isinstance(where, list | tuple):
        return _tuples(where, schema)
    if isinstance(where, Predicate):
        return where
    raise DataError(
        Reason.BAD_PREDICATE,
        f"where= is of type {type(where).__name__}, which says nothing of rows.",
        'Give a text: where="amount > 100".',
    )


def column(name: str, schema: pa.Schema) -> pa.Field:
    """By its exact name, or the only one that differs in case alone. Raises DataError(unknown-column)."""
    if schema.get_field_index(name) >= 0:
        return schema.field(name)
    found = [each for each in schema.names if each.lower() == name.lower()]
    if len(found) == 1:
        return schema.field(found[0])
    raise DataError(
        Reason.UNKNOWN_COLUMN,
        f"There is no column '{name}'." if not found else f"'{name}' may be {' or '.join(found)}.",
        did_you_mean(name, schema.names) if not found else "Write it in the right case.",
    )


def _arrow(given: pc.Expression, schema: pa.Schema) -> Arrow:
    try:
        pa.Table.from_batches([], schema=schema).filter(given)
    except (pa.ArrowException, TypeError) as error:
        raise DataError(
            Reason.BAD_PREDICATE, f"This expression does not fit the table: {str(error).splitlines()[0]}.", _SHAPE
        ) from error
    text = str(given)
    return Arrow(given, tuple(name for name in schema.names if name in text))


# Tuples --------------------------------------------------------------------------------------------------------------


def _tuples(given: Sequence[Any], schema: pa.Schema) -> Predicate | None:
    if not given:
        return None
    if isinstance(given, tuple) and len(given) == 3 and isinstance(given[0], str):
        return _tuple(given, schema)
    if all(isinstance(each, tuple) for each in given):
        return _of(And, [_tuple(each, schema) for each in given])
    if all(isinstance(each, list) and each for each in given):
        return _of(Or, [_of(And, [_tuple(one, schema) for one in each]) for each in given])
    raise DataError(
        Reason.BAD_PREDICATE, "This list says nothing of rows.", 'Write [("amount", ">", 100), ("shop", "=", "a")].'
    )


def _tuple(given: Any, schema: pa.Schema) -> Predicate:
    if not (isinstance(given, tuple) and len(given) == 3 and isinstance(given[0], str)):
        raise DataError(Reason.BAD_PREDICATE, f"{given!r} is no condition.", 'Write ("amount", ">", 100).')
    name, operator, value = given
    field = column(name, schema)
    operator = {"==": "=", "<>": "!="}.get(operator, operator)
    if operator in ("in", "not in"):
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            raise DataError(Reason.BAD_PREDICATE, f"{given!r} names no list after '{operator}'.", "Give a list.")
        found = among(field, list(value))
        return Not(found) if operator == "not in" else found
    if operator not in _FLIPPED:
        raise DataError(
            Reason.BAD_PREDICATE, f"'{operator}' is no comparison.", "There are = != < <= > >= in and not in."
        )
    if value is None:
        raise DataError(
            Reason.BAD_PREDICATE, f"{given!r} compares with None, which is never true.", f"Write '{name} is null'."
        )
    return compared(field, operator, value)


def _of(kind: Callable[[tuple[Predicate, ...]], Predicate], parts: Sequence[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


# Text ----------------------------------------------------------------------------------------------------------------

#: Words that `where` needs itself: a column of such a name is quoted by the person.
_OWN = {"and", "between", "escape", "false", "ilike", "in", "is", "like", "not", "null", "or", "true"}


def _of_text(text: str, schema: pa.Schema) -> Predicate:
    """As it is written; what makes no sense so is tried again with columns named like words of SQL in quotes."""
    try:
        return _Reader(text, schema).predicate()
    except DataError as error:
        if error.reason != Reason.BAD_PREDICATE:
            raise
        quoted = _quoted(text, schema)
        if quoted is None:
            raise
        try:
            return _Reader(quoted, schema).predicate()
        except DataError as second:
            raise (error if _is_unreadable(second) else second) from second.__cause__


def _is_unreadable(error: DataError) -> bool:
    from sqlglot.errors import SqlglotError

    return isinstance(error.__cause__, SqlglotError)


def _quoted(text: str, schema: pa.Schema) -> str | None:
    """With quotes around columns that are words of SQL: `row < 0`; None where there is none of them."""
    from sqlglot.errors import SqlglotError

    names = {each.lower() for each in schema.names} - _OWN
    try:
        words = [each for each in _tokens(text) if each.text.lower() in names and _is_keyword(each)]
    except SqlglotError:
        return None
    for each in reversed(words):
        text = f'{text[: each.start]}"{each.text}"{text[each.end + 1 :]}'
    return text if words else None


def _tokens(text: str) -> list[Any]:
    from sqlglot.dialects import DuckDB

    return list(DuckDB().tokenize(text))


def _is_keyword(token: Any) -> bool:
    from sqlglot.dialects import DuckDB
    from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

    if token.token_type is TokenType.VAR:  # `if`, `any`: names to the tokenizer, but not to the parser
        return token.text.upper() in DuckDB.parser_class.NO_PAREN_FUNCTION_PARSERS
    return token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER)


class _Reader:
    """One text, by sqlglot's grammar of DuckDB's SQL."""

    def __init__(self, text: str, schema: pa.Schema) -> None:
        from sqlglot import exp

        self._exp, self._text, self._schema = exp, text, schema
        compare = {exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
        self._readers: dict[type, Callable[[Any], Predicate]] = {
            exp.Paren: lambda tree: self._read(tree.this),
            exp.And: lambda tree: And((self._read(tree.left), self._read(tree.right))),
            exp.Or: lambda tree: Or((self._read(tree.left), self._read(tree.right))),
            exp.Not: lambda tree: Not(self._read(tree.this)),
            exp.Column: lambda tree: self._flag(tree, True),
            exp.IsNan: lambda tree: IsNan(self._floating(tree.this)),
            exp.Between: self._between,
            exp.In: self._in,
            exp.Is: self._is,
            exp.Like: self._like,
            exp.ILike: self._like,
            exp.Escape: self._like,
            **{kind: functools.partial(self._comparison, operator) for kind, operator in compare.items()},
        }

    def predicate(self) -> Predicate:
        import sqlglot
        from sqlglot.errors import SqlglotError

        try:
            tree = sqlglot.parse_one(f"SELECT 1 WHERE {self._text}", dialect="duckdb")
        except SqlglotError as error:
            details = getattr(error, "errors", None) or [{}]
            near = details[0].get("highlight")
            at = f" at '{near}'" if near else ""
            raise DataError(Reason.BAD_PREDICATE, f"'{self._text}' can't be read{at}.", self._remedy()) from error
        if not isinstance(tree, self._exp.Select) or {name for name, value in tree.args.items() if value} != {
            "expressions",
            "where",
        }:
            raise self._not_understood(None)
        return self._read(tree.args["where"].this)

    def _read(self, tree: Any) -> Predicate:
        reader = self._readers.get(type(tree))
        # What the grammar may have read beyond this would otherwise be left out unseen (`symmetric`, say).
        if reader is None or {name for name, value in tree.args.items() if value} - _PARTS:
            raise self._not_understood(tree)
        found = reader(tree)
        return Not(found) if self._negated(tree) else found

    def _negated(self, tree: Any) -> bool:
        like = tree.this if isinstance(tree, self._exp.Escape) else tree
        return bool(like.args.get("negate"))

    def _between(self, tree: Any) -> Predicate:
        field = self._column(tree.this)
        low, high = self._value(tree.args["low"]), self._value(tree.args["high"])
        if low is None or high is None:
            raise self._not_understood(tree)
        return And((compared(field, ">=", low), compared(field, "<=", high)))

    def _comparison(self, operator: str, tree: Any) -> Predicate:
        left, right = self._bare(tree.left), self._bare(tree.right)
        if isinstance(left, self._exp.Column) and isinstance(right, self._exp.Column):
            return self._columns(left, operator, right)
        if not isinstance(left, self._exp.Column):
            left, right, operator = right, left, _FLIPPED[operator]
        if not isinstance(left, self._exp.Column):  # `lower(shop) = 'a'`: the whole of it, not the side that is right
            raise self._not_understood(tree)
        field, value = self._column(left), self._value(right)
        if value is None:
            words = "is not null" if operator == "!=" else "is null"
            raise DataError(
                Reason.BAD_PREDICATE, f"'{self._sql(tree)}' is never true.", f"Write '{field.name} {words}'."
            )
        return compared(field, operator, value)

    def _columns(self, left: Any, operator: str, right: Any) -> Predicate:
        one, other = self._column(left), self._column(right)
        found = Columns(one.name, operator, other.name)
        try:
            pa.Table.from_batches([], schema=self._schema).filter(expression(found))
        except pa.ArrowException as error:
            raise DataError(
                Reason.BAD_PREDICATE,
                f"Columns '{one.name}' ({one.type}) and '{other.name}' ({other.type}) can't be compared.",
                "Compare columns of one kind.",
            ) from error
        return found

    def _in(self, tree: Any) -> Predicate:
        if not tree.expressions and not tree.args.get("query"):
            raise DataError(
                Reason.BAD_PREDICATE, f"'{self._sql(tree)}' lists nothing, so no row would be found.",
                "Give at least one value.",
            )  # fmt: skip
        if tree.args.get("query"):
            raise self._not_understood(tree)
        field = self._column(tree.this)
        values = [self._value(each) for each in tree.expressions]
        if None in values:
            raise DataError(
                Reason.BAD_PREDICATE, f"'{self._sql(tree)}' lists null, which is never found.",
                f"Write '({field.name} in (…) or {field.name} is null)'.",
            )  # fmt: skip
        return among(field, values)

    def _is(self, tree: Any) -> Predicate:
        if isinstance(tree.expression, self._exp.Null):
            return IsNull(self._column(tree.this).name)
        if isinstance(tree.expression, self._exp.Boolean):  # true or false, never null
            return And((Not(IsNull(self._column(tree.this).name)), self._flag(tree.this, tree.expression.this)))
        raise self._not_understood(tree)

    def _like(self, tree: Any) -> Predicate:
        like = tree.this if isinstance(tree, self._exp.Escape) else tree
        field, pattern = self._column(like.this), self._value(like.expression)
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if not isinstance(pattern, str) or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise DataError(
                Reason.BAD_PREDICATE, f"'{self._sql(tree)}': only text columns are like a pattern, and"
                f" '{field.name}' is {field.type}.", "Compare it by =, < or >.",
            )  # fmt: skip
        escape = self._value(tree.expression) if isinstance(tree, self._exp.Escape) else ""
        return Like(field.name, _escaped(pattern, escape), isinstance(like, self._exp.ILike))

    def _flag(self, tree: Any, truth: bool) -> Predicate:
        field = self._column(tree)
        if not pa.types.is_boolean(field.type):
            raise DataError(
                Reason.BAD_PREDICATE, f"'{self._sql(tree)}' alone is no condition: column '{field.name}' is"
                f" {field.type}, not true or false.", f"Compare it with a value: '{field.name} = …'.",
            )  # fmt: skip
        return compared(field, "=", truth)

    def _floating(self, tree: Any) -> str:
        field = self._column(tree)
        if not pa.types.is_floating(field.type):
            raise DataError(
                Reason.BAD_PREDICATE, f"Column '{field.name}' is {field.type}; only floats are NaN.", "Ask `is null`."
            )
        return field.name

    def _column(self, tree: Any) -> pa.Field:
        tree = self._bare(tree)
        if not isinstance(tree, self._exp.Column) or isinstance(tree.this, self._exp.Star):
            raise self._not_understood(tree)
        if len(tree.parts) > 1:
            raise DataError(
                Reason.BAD_PREDICATE, f"'{self._sql(tree)}' looks into a column.",
                f'A name with a dot is quoted: "{".".join(part.name for part in tree.parts)}". Fields of nested columns'
                " can't be asked for: load it and look inside, or use `sql`.",
            )  # fmt: skip
        try:
            return column(tree.name, self._schema)
        except DataError as error:
            if not tree.this.args.get("quoted") or error.reason != Reason.UNKNOWN_COLUMN:
                raise
            text = tree.name.replace("'", "''")  # double quotes are for names, as in all SQL
            raise DataError(
                error.reason, error.sentence, f"{error.remedy} If a text is meant, in single quotes: '{text}'."
            ) from error

    def _value(self, tree: Any) -> Any:
        exp = self._exp
        tree = self._bare(tree)
        match tree:
            case exp.Null():
                return None
            case exp.Boolean():
                return bool(tree.this)
            case exp.Literal():
                return tree.this if tree.is_string else Decimal(tree.this)
            case exp.Neg() if isinstance(tree.this, exp.Literal) and not tree.this.is_string:
                return -Decimal(tree.this.this)
            case exp.Cast() if isinstance(tree.this, exp.Literal) and tree.this.is_string:
                return self._cast(tree)
        raise self._not_understood(tree)

    def _cast(self, tree: Any) -> date | datetime | str:
        try:
            if tree.is_type("date"):
                return date.fromisoformat(tree.this.this)
            if tree.is_type("timestamp", "timestampntz", "timestamptz", "datetime"):
                return str(tree.this.this) if datetime.fromisoformat(tree.this.this) else ""
        except ValueError as error:
            raise DataError(
                Reason.BAD_PREDICATE, f"'{tree.this.this}' is no date or time.", "Write '2026-11-20 09:30:00'."
            ) from error
        raise self._not_understood(tree)

    def _bare(self, tree: Any) -> Any:
        while isinstance(tree, self._exp.Paren):
            tree = tree.this
        return tree

    def _sql(self, tree: Any) -> str:
        return str(tree.sql(dialect="duckdb"))

    def _not_understood(self, tree: Any) -> DataError:
        return DataError(
            Reason.BAD_PREDICATE,
            f"'{self._text if tree is None else self._sql(tree)}' is no condition that files can be asked for: "
            "a column is compared with a value, or with another column.",
            self._remedy(),
        )

    def _remedy(self) -> str:
        """What else may be wrong with this very text, then how a condition looks."""
        from sqlglot.errors import SqlglotError

        if self._text.count("'") % 2:
            return f"A quote in a text is written twice: 'it''s'. {_SHAPE}"
        try:
            words = {each.text.lower() for each in _tokens(self._text) if _is_keyword(each)}
        except SqlglotError:
            return _SHAPE
        names = [each for each in self._schema.names if each.lower() in words]
        if names:
            return f'Columns that are named like words of SQL are quoted: "{names[0]}". {_SHAPE}'
        return _SHAPE


def _escaped(pattern: str, escape: str) -> str:
    """With a backslash as what makes the next character literal."""
    found, characters = "", iter(pattern)
    for character in characters:
        if escape and character == escape:
            following = next(characters, "")
            found += f"\\{following}" if following in ("%", "_", "\\") else following
        else:
            found += "\\\\" if character == "\\" else character
    return found
