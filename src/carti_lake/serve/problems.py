"""What went wrong with a request, as RFC 9457 says it: ``application/problem+json``."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that cannot be answered, for the person who sent it.

    Attributes
    ----------
    status
        HTTP status.
    detail
        What was wrong, and what to do.
    errors
        Each wrong part: ``in`` (query, body), ``name``, ``detail``.
    headers
        Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = [dict(one) for one in errors]
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer that says so; never kept by a cache."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        return Response(
            json.dumps(body), self.status, {"Cache-Control": "no-store", **self.headers}, media_type=MEDIA_TYPE
        )


def wrong_parameter(name: str, detail: str) -> Problem:
    """A query parameter that cannot be read, or that the resource does not have."""
    return Problem(422, f"{name}: {detail}", errors=[{"in": "query", "name": name, "detail": detail}])


#: JSON schema of the answers above, for the OpenAPI document.
SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "about:blank: the status says it all"},
        "title": {"type": "string", "description": "The status in words"},
        "status": {"type": "integer", "description": "HTTP status"},
        "detail": {"type": "string", "description": "What was wrong, and what to do"},
        "errors": {
            "type": "array",
            "description": "Each wrong part of the request",
            "items": {
                "type": "object",
                "required": ["in", "name", "detail"],
                "additionalProperties": False,
                "properties": {
                    "in": {"type": "string", "description": "query, path or body"},
                    "name": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "limit: give a whole number from 1 to 10000",
        "errors": [{"in": "query", "name": "limit", "detail": "give a whole number from 1 to 10000"}],
    },
}
