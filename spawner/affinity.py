"""PURE: two affinities as one, and whether a node satisfies one. All in Kubernetes' JSON shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from profiles.frozen import thaw

Json = dict[str, Any]
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def merge_affinity(first: Mapping[str, Any], second: Mapping[str, Any]) -> Json:
    """Both must hold. Merging the same affinity again changes nothing."""
    merged: Json = {}
    for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity"):
        a, b = thaw(first.get(kind) or {}), thaw(second.get(kind) or {})
        if not a or not b:
            both = a or b
        elif kind == "nodeAffinity":
            both = _drop_empty({REQUIRED: _both_node_terms(a, b), PREFERRED: _union(a, b, PREFERRED)})
        else:
            both = _drop_empty({rule: _union(a, b, rule) for rule in (REQUIRED, PREFERRED)})
        if both:
            merged[kind] = both
    return merged


def node_satisfies(node: Mapping[str, Any], affinity: Mapping[str, Any] | None) -> bool:
    """Whether a pod with this affinity may be on this node, as far as labels say."""
    required = ((affinity or {}).get("nodeAffinity") or {}).get(REQUIRED)
    return required is None or matches_terms(node, required.get("nodeSelectorTerms") or ())


def matches_terms(node: Mapping[str, Any], terms: Iterable[Mapping[str, Any]]) -> bool:
    """Node selector terms are alternatives; the expressions within one all hold. No term: no node."""
    metadata = node.get("metadata") or {}
    labels, name = metadata.get("labels") or {}, metadata.get("name", "")
    for term in terms:
        expressions = term.get("matchExpressions") or ()
        fields = term.get("matchFields") or ()
        if not expressions and not fields:
            continue  # an empty term matches nothing
        if all(_holds(each, labels.get(each.get("key"))) for each in expressions) and all(
            _holds(each, name) for each in fields
        ):
            return True
    return False


def _holds(expression: Mapping[str, Any], value: str | None) -> bool:
    operator, values = expression.get("operator"), list(expression.get("values") or ())
    if operator in {"Gt", "Lt"}:
        return _compared(operator, value, values)
    by_operator = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return by_operator.get(str(operator), False)


def _compared(operator: str, value: str | None, values: list[Any]) -> bool:
    try:
        left, right = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right


def _both_node_terms(first: Json, second: Json) -> Json | None:
    """(a or b) and (c or d) = ac or ad or bc or bd: the terms of both sides, each with each."""
    a = (first.get(REQUIRED) or {}).get("nodeSelectorTerms") or []
    b = (second.get(REQUIRED) or {}).get("nodeSelectorTerms") or []
    if not a or not b:
        return {"nodeSelectorTerms": a or b} if a or b else None
    if all(any(_says_all(term, other) for other in b) for term in a):
        return {"nodeSelectorTerms": a}
    return {"nodeSelectorTerms": [_joined(x, y) for x in a for y in b]}


def _says_all(term: Json, other: Json) -> bool:
    return all(
        each in (term.get(key) or []) for key in ("matchExpressions", "matchFields") for each in other.get(key) or []
    )


def _joined(first: Json, second: Json) -> Json:
    return _drop_empty({key: _union(first, second, key) for key in ("matchExpressions", "matchFields")})


def _union(first: Json, second: Json, key: str) -> list[Any]:
    a, b = first.get(key) or [], second.get(key) or []
    return [*a, *(each for each in b if each not in a)]


def _drop_empty(mapping: Json) -> Json:
    return {key: value for key, value in mapping.items() if value}
