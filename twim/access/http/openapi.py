"""The paths as OpenAPI 3.1 describes them (https://spec.openapis.org/oas/v3.1.1), made of what the routes declare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from twim.access.http.declared import FILE, Answer, Described, Field
from twim.access.http.route import described

Json = dict[str, Any]
Areas = Sequence[tuple[str, type]]

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
WITH_BODY: Final = ("POST", "PUT", "PATCH")
REFERENCE: Final = "#/components/schemas/{name}"
REFUSAL: Final[Json] = {
    "type": "object",
    "description": "Why something isn't done: docs/protocol.md has the codes. `wait` is after how many milliseconds"
    " what is refused now would pass.",
    "properties": {
        "code": {"type": "integer", "maximum": -1},
        "msg": {"type": "string"},
        "wait": {"type": "integer", "minimum": 0},
    },
    "required": ["code", "msg"],
}
REPEAT: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A request that is sent again under the same one within a day is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
SECURITY: Final[Mapping[str, list[Json]]] = {
    "anybody": [],
    "user": [{"token": []}, {"cookie": []}],
    "key": [{"key": []}],
}
SCHEMES: Final[Json] = {
    "token": {"type": "http", "scheme": "bearer", "description": "The token of a device, as the log-in gives it."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "token", "description": "For the server's own pages."},
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, twk_…"},
}


def openapi(areas: Areas, version: str, prefix: str = "") -> Json:
    """The document. `prefix` is below which path of its site the server is."""
    found = [(path, area.__name__, one) for path, area in areas for one in described(area)]
    schemas = _Schemas([one for _, _, one in found])
    paths: dict[str, Json] = {}
    for before, area, one in found:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", before + one.path)
        for method in one.methods:
            paths.setdefault(path, {})[method.lower()] = _operation(path, area, one, method, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "twim",
            "version": version,
            "description": "An instant-messaging server. Messages go over the WebSocket, see /asyncapi.json.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": paths,
        "components": {"schemas": schemas.components | {"Refusal": REFUSAL}, "securitySchemes": SCHEMES},
    }


class _Schemas:
    """The schemas of the types that routes name."""

    def __init__(self, routes: Sequence[Described]) -> None:
        types = list({repr(one): one for route in routes for one in _types(route)}.values())
        schemas, self.components = msgspec.json.schema_components(types, ref_template=REFERENCE)
        self._schemas = {repr(one): schema for one, schema in zip(types, schemas, strict=True)}

    def of(self, type: Any) -> Json:
        return self._schemas[repr(type)]


def _types(one: Described) -> Iterator[Any]:
    for type in (one.gives.data, one.gives.rows, one.body, *one.gives.more.values()):
        if type is not None:
            yield type


def _operation(path: str, area: str, one: Described, method: str, schemas: _Schemas) -> Json:
    takes = one.takes or ()
    in_path = [field for field in takes if f"{{{field.name}}}" in path]
    others = [field for field in takes if field not in in_path]
    has_fields = method in WITH_BODY and one.who != "key"
    parameters = [_parameter(field, "path") for field in in_path]
    if not has_fields:
        parameters += [_parameter(field, "query") for field in others]
    if one.who == "key" and method == "POST":
        parameters.append(REPEAT)
    again = "" if method == one.methods[-1] else f"By{method.capitalize()}"
    made: Json = {
        "operationId": f"{area[0].lower()}{area[1:]}{_camel(one.name)}{again}",
        "summary": one.summary + (f" Needs the scope {one.scope}." if one.scope else ""),
        "tags": [area],
        "security": SECURITY[one.who],
        "responses": {"200": _done(one.gives, schemas), "default": _refused()},
    }
    if parameters:
        made["parameters"] = parameters
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas.of(one.body)}}}
    elif has_fields and others:
        made["requestBody"] = _fields(others)
    return made


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _parameter(field: Field[Any], where: str) -> Json:
    required = where == "path" or field.required
    return {"name": field.name, "in": where, "required": required, "schema": dict(field.schema)}


def _fields(fields: Sequence[Field[Any]]) -> Json:
    required = [field.name for field in fields if field.required]
    schema: Json = {"type": "object", "properties": {field.name: dict(field.schema) for field in fields}}
    if required:
        schema["required"] = required
    kinds = (MULTIPART,) if FILE in fields else (FORM, JSON)
    return {"required": bool(required), "content": {kind: {"schema": schema} for kind in kinds}}


def _done(gives: Answer, schemas: _Schemas) -> Json:
    if gives.media != JSON:
        return {"description": "Done.", "content": {gives.media: {"schema": {"type": "string"}}}}
    properties: Json = {"code": {"type": "integer", "maximum": 0}, "msg": {"type": "string"}}
    if gives.data is not None:
        properties["data"] = schemas.of(gives.data)
    if gives.rows is not None:
        properties["rows"] = {"type": "array", "items": schemas.of(gives.rows)}
        properties["total"] = {"type": "integer"}
    properties |= {name: schemas.of(type) for name, type in gives.more.items()}
    schema = {"type": "object", "properties": properties, "required": ["code", "msg"]}
    said = "Done, if `code` is 0; else a rule forbids it, and `msg` says which."
    return {"description": said, "content": {JSON: {"schema": schema}}}


def _refused() -> Json:
    schema = {"$ref": REFERENCE.format(name="Refusal")}
    return {"description": "Refused.", "content": {JSON: {"schema": schema}}}
