"""Types of single fields: names Kubernetes accepts, prices, text. An error is a problem and its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from profiles.frozen import freeze
from profiles.quantity import Duration

MOST_CHOICES = 64  # of one option: what a person can still pick from a list
MOST_EXPENSIVE = Decimal(1_000_000)
MOST_SPENT = Decimal(1_000_000_000)  # of a budget; kept in millionths, and 64 bits hold it a thousandfold

_DOMAIN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
#: Ids are part of form field names, pod labels and KubeSpawner's `profile-option-<profile>--<option>`: no "." or "--".
ID = r"[a-z0-9]+(-[a-z0-9]+)*"
OPTION_ID = r"[A-Za-z0-9]+([-_][A-Za-z0-9]+)*"
CHOICE_ID = r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*"

#: Labels and annotations by which hub, dashboards and network policies know a pod.
OURS = ("remuda.dev/", "hub.jupyter.org/", "app.kubernetes.io/")
OUR_LABELS = frozenset({"app", "component", "release", "chart", "heritage"})
#: Environment by which a server talks to its hub. Other JUPYTERHUB_ names are free (JUPYTERHUB_SINGLEUSER_APP …).
HUBS_ENV = frozenset(
    {
        "JPY_API_TOKEN",
        "JUPYTERHUB_ACTIVITY_URL",
        "JUPYTERHUB_API_TOKEN",
        "JUPYTERHUB_API_URL",
        "JUPYTERHUB_BASE_URL",
        "JUPYTERHUB_CLIENT_ID",
        "JUPYTERHUB_HOST",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES",
        "JUPYTERHUB_OAUTH_CALLBACK_URL",
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES",
        "JUPYTERHUB_OAUTH_SCOPES",
        "JUPYTERHUB_SERVER_NAME",
        "JUPYTERHUB_SERVICE_PREFIX",
        "JUPYTERHUB_USER",
    }
)


def wrong(problem: str, remedy: str) -> PydanticCustomError:
    """An error that `catalog` takes apart again."""
    return PydanticCustomError("wrong", "{problem}; {remedy}", {"problem": problem, "remedy": remedy})


def quoted(value: object, most: int = 60) -> str:
    """A value in an error: printable, on one line, never endless."""
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def _matching(pattern: str, kind: str, remedy: str, longest: int = 63) -> Callable[[str], str]:
    expression = re.compile(pattern)

    def check(text: str) -> str:
        if len(text) > longest:
            raise wrong(f"{quoted(text)} has {len(text)} characters", f"{kind} may have {longest}")
        if expression.fullmatch(text) is None:
            raise wrong(f"{quoted(text)} is not {kind}", remedy)
        return text

    return check


def _own_scalar(value: Any) -> Any:
    """YAML reads an unquoted 4 as a number and `on` as true; numbers are meant as written, the rest may not be."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or isinstance(value, str | dict | list):
        return value
    if isinstance(value, bool):
        words = '"true", "on", "yes"' if value else '"false", "off", "no"'
        raise wrong(f"YAML reads this as {str(value).lower()}, not as text", f"put it in quotes: {words}")
    raise wrong(f"{quoted(value)} is not text", f'put it in quotes: "{value}"')


def _price(value: Any) -> Decimal:
    remedy = "write a number such as 0.48, without the currency"
    price = _decimal(value, "a price", remedy)
    if price < 0:
        raise wrong(f"the price {quoted(value)} is negative", "write 0 for a machine that costs nothing")
    if price > MOST_EXPENSIVE:
        raise wrong(f"{quoted(value)} per hour is more than {MOST_EXPENSIVE}", remedy)
    return abs(price)  # -0 too


def _sum(value: Any) -> Decimal:
    remedy = "write a number such as 200, without a unit"
    amount = _decimal(value, "an amount", remedy)
    if amount < 0:
        raise wrong(f"{quoted(value)} is negative", "write 0 for nothing at all")
    if amount > MOST_SPENT:
        raise wrong(f"{quoted(value)} is more than {MOST_SPENT}", "leave the budget out for no limit")
    return abs(amount)


def _decimal(value: Any, kind: str, remedy: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise wrong(f"{quoted(value)} is not {kind}", remedy)
    try:
        number = Decimal(str(value).strip())  # str first: the float 0.48 is not exactly 0.48
    except InvalidOperation:
        raise wrong(f"{quoted(value)} is not {kind}", remedy) from None
    if not number.is_finite():
        raise wrong(f"{quoted(value)} is not {kind}", remedy)
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6:
        raise wrong(f"{quoted(value)} has more than six decimals", "round it")
    return number


def _optional_time(value: Any) -> Any:
    return 0 if value == "never" else value


def _positive_time(value: Duration) -> Duration:
    if value.seconds < 1:
        raise wrong("there is no time in it", 'write a length such as "5m"')
    return value


def _label_key(key: str) -> str:
    if key in OUR_LABELS:
        raise wrong(f"the label {quoted(key)} is the hub's own", "take a name with your own prefix: example.org/team")
    return _annotation_key(key)


def _annotation_key(key: str) -> str:
    if key.startswith(OURS):
        raise wrong(f"{quoted(key)} is the hub's own", "take a name with your own prefix: example.org/team")
    return _kube_key(key)


def _env_name(name: str) -> str:
    if name in HUBS_ENV:
        raise wrong(f"{name} is set by the hub for every server", "remove it")
    return _env_syntax(name)


def _resource(name: str) -> str:
    if name in {"cpu", "memory"}:
        raise wrong(f"{name} is not an extended resource", f"use the field {name} of the profile")
    if "/" not in name:
        raise wrong(f"{quoted(name)} names no vendor", "write it as the node offers it, such as nvidia.com/gpu")
    if name.partition("/")[0].endswith("kubernetes.io"):
        raise wrong(f"{quoted(name)} is Kubernetes' own", "name a device plugin's resource, such as nvidia.com/gpu")
    return _kube_key(name)


def _settable(target: str) -> str:
    """What a range of numbers can set."""
    prefix = "extendedResources."
    if target.startswith(prefix) and target != prefix:
        _resource(target.removeprefix(prefix))
    elif target not in {"cpu", "memory"}:
        raise wrong(f"a range cannot set {quoted(target)}", "set cpu, memory or extendedResources.<name>")
    return target


def _count(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(f"{quoted(value)} is not a whole number", "these are counted: write 1, 2 …")
    return value


_kube_key = _matching(
    rf"(?:(?=.{{1,253}}/){_DOMAIN}/)?{_NAME}", "a Kubernetes name", "such as example.org/team", longest=317
)
_env_syntax = _matching(
    r"[-._A-Za-z][-._A-Za-z0-9]*", "a name of an environment variable", "letters, digits and _ only", longest=256
)
_label_value = _matching(
    rf"(?:{_NAME})?", "a value of a label", "letters, digits, - _ . only; for free text use annotations"
)
_id = _matching(ID, "an id", "lower-case letters, digits and single dashes, such as gpu-large")
_option_id = _matching(OPTION_ID, "an id of an option", "letters, digits, single dashes or underscores, such as gpus")
_choice_id = _matching(CHOICE_ID, "an id of a choice", "letters, digits and . _ : / @ + - such as 32Gi", longest=200)
_claim = _matching(r"[^\x00-\x1f\x7f]+", "one line of text", "write it on one line", longest=120)

Text = Annotated[str, BeforeValidator(_own_scalar), WithJsonSchema({"type": ["string", "integer"]})]
Line = Annotated[str, BeforeValidator(_own_scalar), AfterValidator(lambda text: _claim(text) if text else text)]
Id = Annotated[
    str,
    BeforeValidator(_own_scalar),
    AfterValidator(_id),
    WithJsonSchema({"type": "string", "pattern": f"^{ID}$", "maxLength": 63}),
]
OptionId = Annotated[str, AfterValidator(_option_id)]
ChoiceId = Annotated[str, AfterValidator(_choice_id)]
Image = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[a-z0-9][-a-z0-9._/:]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?(?:@sha256:[0-9a-f]{64})?",
            "an image reference",
            "such as registry.example.org/team/image:1.2",
            longest=512,
        )
    ),
]
Currency = Annotated[
    str,
    AfterValidator(_matching(r"[A-Z]{3}", "a currency", "write its three letters: EUR, USD, CHF")),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"}),
]
Path = Annotated[str, AfterValidator(_matching(r"/[^\x00:]*", "an absolute path", "begin it with /", longest=1024))]


def _decimal_schema(examples: list[float]) -> dict[str, Any]:
    """A number that is not negative, with six decimals at most."""
    text = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,6})?$"}
    return {"anyOf": [{"type": "number", "minimum": 0}, text], "examples": examples}


Price = Annotated[
    Decimal,
    BeforeValidator(_price),
    WithJsonSchema(_decimal_schema([0.48, 2])),
]
#: Of a budget: money, machine hours, GPU hours.
Sum = Annotated[
    Decimal,
    BeforeValidator(_sum),
    WithJsonSchema(_decimal_schema([200, 12.5])),
]
Count = Annotated[
    int,
    BeforeValidator(_count),
    Field(ge=0, le=1_000_000),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 1_000_000}),
]
#: None: the hub's setting decides. 0 or "never": no limit.
Limit = Annotated[
    Duration,
    BeforeValidator(_optional_time),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^(?:never|{Duration.pattern})$"},
                {"type": "integer", "minimum": 0},
            ],
            "examples": ["30m", "never"],
        }
    ),
]
PositiveTime = Annotated[Duration, AfterValidator(_positive_time)]

Env = Annotated[dict[Annotated[str, AfterValidator(_env_name)], Text], AfterValidator(freeze)]
Labels = Annotated[
    dict[Annotated[str, AfterValidator(_label_key)], Annotated[Text, AfterValidator(_label_value)]],
    AfterValidator(freeze),
]
NodeLabels = Annotated[
    dict[Annotated[str, AfterValidator(_kube_key)], Annotated[Text, AfterValidator(_label_value)]],
    AfterValidator(freeze),
]
Annotations = Annotated[dict[Annotated[str, AfterValidator(_annotation_key)], Text], AfterValidator(freeze)]
Resources = Annotated[dict[Annotated[str, AfterValidator(_resource)], Count], AfterValidator(freeze)]
Settable = Annotated[str, AfterValidator(_settable)]
KubeObject = Annotated[dict[str, Any], AfterValidator(freeze)]
