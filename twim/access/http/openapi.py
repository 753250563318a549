"""The paths as OpenAPI 3.1 describes them (https://spec.openapis.org/oas/v3.1.1), made of what the routes declare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from twim.access.http.declared import FILE, NOTHING, Answer, Described, Field
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
        schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
        self.components: Json = wide(components)
        self._schemas = {repr(one): wide(schema) for one, schema in zip(types, schemas, strict=True)}

    def of(self, type: Any) -> Json:
        schema: Json = self._schemas[repr(type)]
        return schema


def wide(schema: Any) -> Any:
    """A schema whose whole numbers are of 64 bits: times and ids have more than 32, which generators take otherwise."""
    if isinstance(schema, Mapping):
        found = {name: wide(one) for name, one in schema.items()}
        return found | {"format": "int64"} if found.get("type") == "integer" else found
    return [wide(one) for one in schema] if isinstance(schema, list | tuple) else schema


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
    if method == "POST" and (one.who == "key" or one.body is not None):
        parameters.append(REPEAT)
    again = "" if method == one.methods[-1] else f"By{method.capitalize()}"
    operation = f"{area}{_camel(one.name)}"
    made: Json = {
        "operationId": f"{operation[0].lower()}{operation[1:]}{again}",
        "summary": one.summary + (f" Needs the scope {one.scope}." if one.scope else ""),
        "tags": [area],
        "security": SECURITY[one.who],
        "responses": {**_done(f"{operation}Answer", one.gives, schemas), "default": _refused()},
    }
    if parameters:
        made["parameters"] = parameters
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas.of(one.body)}}}
    elif has_fields and others:
        made["requestBody"] = _fields(f"{operation}Fields", others)
    return made


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _parameter(field: Field[Any], where: str) -> Json:
    required = where == "path" or field.required
    return {"name": field.name, "in": where, "required": required, "schema": wide(field.schema)}


def _fields(title: str, fields: Sequence[Field[Any]]) -> Json:
    required = [field.name for field in fields if field.required]
    properties = {field.name: wide(field.schema) for field in fields}
    schema: Json = {"title": title, "type": "object", "properties": properties}
    if required:
        schema["required"] = required
    kinds = (MULTIPART,) if FILE in fields else (FORM, JSON)
    return {"required": bool(required), "content": {kind: {"schema": schema} for kind in kinds}}


def _done(title: str, gives: Answer, schemas: _Schemas) -> Json:
    if gives.is_redirect:
        to = {"Location": {"required": True, "schema": {"type": "string", "format": "uri-reference"}}}
        return {"302": {"description": "The browser goes there.", "headers": to}}
    if gives.media != JSON:
        return {"200": {"description": "Done.", "content": {gives.media: {"schema": {"type": "string"}}}}}
    properties: Json = {"code": {"type": "integer", "maximum": 0}, "msg": {"type": "string"}}
    if gives.data is not None:
        properties["data"] = schemas.of(gives.data)
    if gives.rows is not None:
        properties["rows"] = {"type": "array", "items": schemas.of(gives.rows)}
        properties["total"] = {"type": "integer", "format": "int64"}
    properties |= {name: schemas.of(type) for name, type in gives.more.items()}
    title = title if gives != NOTHING else "Done"
    schema = {"title": title, "type": "object", "properties": properties, "required": ["code", "msg"]}
    said = "Done, if `code` is 0; else a rule forbids it, and `msg` says which."
    return {"200": {"description": said, "content": {JSON: {"schema": schema}}}}


def _refused() -> Json:
    schema = {"$ref": REFERENCE.format(name="Refusal")}
    return {"description": "Refused.", "content": {JSON: {"schema": schema}}}
