"""Message classes for every Envoy type, made out of one private descriptor pool.

The pool is private because the PyPI packages `xds-protos` and `envoy-data-plane` may live in the same process: nothing
of theirs can clash with ours, nor ours with theirs.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from google.protobuf import (
    any_pb2,
    api_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    source_context_pb2,
    struct_pb2,
    timestamp_pb2,
    type_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from xds.model import ConfigError

WELL_KNOWN: Final = (
    any_pb2, descriptor_pb2, duration_pb2, empty_pb2, field_mask_pb2, source_context_pb2, struct_pb2, timestamp_pb2,
    type_pb2, api_pb2, wrappers_pb2,
)  # fmt: skip
"""protobuf's own files, which its run time brings along; in the order of their imports."""


@cache
def pool() -> DescriptorPool:
    """The private pool, filled on first use (about 20 ms)."""
    filled = DescriptorPool()
    for module in WELL_KNOWN:
        filled.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    packed = files("xds.codec").joinpath("descriptors.binpb.gz").read_bytes()
    listed = descriptor_pb2.FileDescriptorSet.FromString(gzip.decompress(packed))
    for file in in_import_order(listed):
        filled.Add(file)
    return filled


def in_import_order(listed: descriptor_pb2.FileDescriptorSet) -> Iterator[descriptor_pb2.FileDescriptorProto]:
    """Every file after the files it imports; protobuf's own are left out."""
    waiting = {file.name: file for file in listed.file if not file.name.startswith("google/protobuf/")}

    def visit(name: str) -> Iterator[descriptor_pb2.FileDescriptorProto]:
        if (file := waiting.pop(name, None)) is not None:
            for imported in file.dependency:
                yield from visit(imported)
            yield file

    while waiting:
        yield from visit(next(iter(waiting)))


@cache
def message_class(full_name: str) -> type[Message]:
    """The class of a message by its full protobuf name, `envoy.config.cluster.v3.Cluster`.

    Raises ConfigError for a name that no Envoy type has.
    """
    try:
        return GetMessageClass(pool().FindMessageTypeByName(full_name))
    except KeyError:
        raise ConfigError(f"{full_name!r} is not a message type that Envoy knows") from None
