"""The page that says what each path takes and gives, made of the server's own OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
WHO = {"token": "who is logged in", "key": "an API key"}
INTRODUCTION = """# REST reference

Made of `/openapi.json`, which the server gives for its own version. [Protocol](/protocol.md) and [API](/api.md) say
what the paths are for, how refusals look, and what is counted. What a path takes is a form or JSON, by GET the query.
"""


def page(document: Json) -> str:
    """The page, in Markdown."""
    schemas = document["components"]["schemas"]
    areas: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for operation, methods in _alike(operations):
            areas.setdefault(operation["tags"][0], []).append(_section(path, methods, operation))
    parts = [INTRODUCTION]
    for area, sections in areas.items():
        parts += [f"## {area}\n", *sections]
    parts.append("## Shapes\n")
    parts += [
        f"### {name}\n\n{schema.get('description', '')}\n\n{_fields(schema)}"
        for name, schema in sorted(schemas.items())
    ]
    return "\n".join(parts)


def _alike(operations: Json) -> Iterator[tuple[Json, list[str]]]:
    """The operations of a path, those that are one by several methods together."""
    found: dict[str, tuple[Json, list[str]]] = {}
    for method, operation in operations.items():
        found.setdefault(operation["summary"], (operation, []))[1].append(method.upper())
    yield from found.values()


def _section(path: str, methods: list[str], operation: Json) -> str:
    who = " or ".join(WHO[name] for one in operation.get("security", []) for name in one if name in WHO) or "anybody"
    lines = [f"### {' · '.join(methods)} {path}\n", f"{operation['summary']} For {who}.\n"]
    taken = [_row(one["name"], one["schema"], one.get("required", False)) for one in operation.get("parameters", [])]
    for content in list(operation.get("requestBody", {}).get("content", {}).values())[:1]:
        schema = content["schema"]
        if "$ref" in schema or schema.get("type") != "object":
            lines.append(f"Takes {_kind(schema)}.\n")
        else:
            taken += _rows(schema)
    if taken:
        lines.append("| takes | | |\n|---|---|---|\n" + "\n".join(taken) + "\n")
    for content in operation["responses"].get("200", {}).get("content", {}).values():
        given = content["schema"].get("properties", {})
        told = [f"`{name}`: {_kind(given[name])}" for name in given if name not in ("code", "msg", "total", "next")]
        if told:
            lines.append(f"Gives {', '.join(told)}.\n")
    return "\n".join(lines)


def _fields(schema: Json) -> str:
    rows = _rows(schema)
    return "| field | | |\n|---|---|---|\n" + "\n".join(rows) + "\n" if rows else f"{_kind(schema)}\n"


def _rows(schema: Json) -> list[str]:
    needed = schema.get("required", [])
    return [_row(name, one, name in needed) for name, one in schema.get("properties", {}).items()]


def _row(name: str, schema: Json, needed: bool) -> str:
    described = str(schema.get("description", "")).replace("|", "\\|").replace("\n", " ")
    return f"| `{name}` | {_kind(schema)}{', needed' if needed else ''} | {described} |"


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_kind(one) for one in schema[several])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    kinds = schema.get("type", "anything")
    kind = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    least, most = schema.get("minLength", 0), schema.get("maxLength", 0)
    if not most:
        return kind
    return f"{kind} of {least} to {most} characters" if least else f"{kind} of at most {most} characters"
