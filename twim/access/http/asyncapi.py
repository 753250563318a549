"""The WebSocket as AsyncAPI 3.0 describes it (https://www.asyncapi.com/docs/reference/specification/v3.0.0), made of
the frames of `twim.wire`."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from twim.wire.described import HEARD, SAID, Said
from twim.wire.message import Frame, Shown

Json = dict[str, Any]
REFERENCE: Final = "#/components/schemas/{name}"
CHANNEL: Final = "#/channels/chat"


def asyncapi(version: str, prefix: str = "") -> Json:
    """The document. `prefix` is below which path of its site the server is."""
    types = [Frame, Shown, *(type for _, type in HEARD.values())]
    _, schemas = msgspec.json.schema_components(types, ref_template=REFERENCE)
    messages: Json = {said.name: _said(cmd, said, schemas["Frame"]["properties"]) for cmd, said in SAID.items()}
    messages |= {name: _heard(cmd, name, type, schemas) for cmd, (name, type) in HEARD.items()}
    del schemas["Frame"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "twim",
            "version": version,
            "description": "Each text frame is one JSON object. Empty fields are left out. Paths are in /openapi.json.",
        },
        "channels": {
            "chat": {
                "address": f"{prefix}/chat",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "say": _operation("receive", [said.name for said in SAID.values()], "What clients say."),
            "tell": _operation("send", [name for name, _ in HEARD.values()], "What the server says."),
        },
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "httpApiKey", "in": "query", "name": "token"}},
        },
    }


def _operation(action: str, names: list[str], summary: str) -> Json:
    messages = [{"$ref": f"{CHANNEL}/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": CHANNEL}, "summary": summary, "messages": messages}


def _said(cmd: int, said: Said, fields: Json) -> Json:
    properties = {"cmd": {"type": "integer", "const": cmd}} | {name: fields[name] for name in said.fields}
    required = [*(["cmd"] if cmd else []), *said.required]  # a frame without cmd is a heartbeat
    payload = {"type": "object", "properties": properties, "required": required}
    return {"name": said.name, "summary": said.summary, "payload": payload}


def _heard(cmd: int, name: str, type: Any, schemas: Json) -> Json:
    payload: Json = {"$ref": REFERENCE.format(name=type.__name__)}
    if type is Shown:
        is_cmd = {"properties": {"cmd": {"type": "integer", "const": cmd}}, "required": ["cmd"]}
        payload = {"allOf": [payload, is_cmd]}
    return {"name": name, "summary": schemas[type.__name__].get("description", ""), "payload": payload}
