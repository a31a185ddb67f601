"""Build hook: writes Envoy's protobuf descriptors, as one compressed FileDescriptorSet, into `xds/codec`.

The descriptors come from the `xds-protos` wheel, which is a build requirement only: it owns top-level packages named
`xds` and `envoy`, so it is read as text and never imported, neither here nor at run time.
"""

from __future__ import annotations

import ast
import gzip
import importlib.metadata
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "xds/codec/descriptors.binpb.gz"
CALL = "AddSerializedFile("


def serialized_files() -> list[bytes]:
    """Every FileDescriptorProto of the wheel, each still serialized, in the order of their module names."""
    modules = sorted(
        file
        for file in importlib.metadata.distribution("xds-protos").files or ()
        if file.name.endswith("_pb2.py") and file.parts[0] != "test"
    )
    return [literal(module.locate()) for module in modules]


def literal(module: Any) -> bytes:
    """The bytes literal that a generated module hands to the descriptor pool."""
    text = Path(module).read_text(encoding="utf-8")
    line = text[text.index(CALL) + len(CALL) :].split("\n", 1)[0]
    return bytes(ast.literal_eval(line.rstrip().removesuffix(")")))


def field_one(message: bytes) -> bytes:
    """`message` as one entry of FileDescriptorSet.file (field 1, length-delimited)."""
    size, prefix = len(message), bytearray(b"\x0a")
    while size > 0x7F:
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + message


class DescriptorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatch's entry: runs for wheels and for editable installs alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Writes the file and adds it to what is built."""
        body = b"".join(map(field_one, serialized_files()))
        target = Path(self.root, TARGET)
        target.write_bytes(gzip.compress(body, mtime=0))
        build_data["artifacts"].append(f"/{TARGET}")
