"""What was sent, read as one of the models that the API's description is made of."""

from __future__ import annotations

from typing import TypeVar

from jupyterhub.apihandlers.base import APIHandler
from pydantic import ValidationError
from tornado import web

from hub_extensions.shares_api.operation import Body

Sent = TypeVar("Sent", bound=Body)


def body_of(handler: APIHandler, model: type[Sent]) -> Sent:
    """400 with a sentence for what cannot be read."""
    try:
        return model.model_validate(handler.get_json_body())
    except ValidationError as e:
        raise web.HTTPError(400, _sentence(e, model)) from e


def _sentence(error: ValidationError, model: type[Body]) -> str:
    """Of the first mistake; never what was sent, which may be anything."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if not first["loc"]:
        return "The body is not a JSON object."
    if first["type"] == "extra_forbidden":
        return f"The body has fields beside these: {', '.join(sorted(model.model_fields))}."
    return f"{first['loc'][0]} cannot be read: {first['msg'][0].lower()}{first['msg'][1:]}."
