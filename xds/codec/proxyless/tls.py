"""TLS, as gRPC reads it (gRFCs A29, A82): certificates come from the providers that its bootstrap names."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Final

from xds.codec.proxyless.flaw import Flaw, last_word, unpacked

TLS: Final = "envoy.extensions.transport_sockets.tls.v3."
COMMON_UNKNOWN: Final = (
    "tls_params",
    "custom_handshaker",
    "tls_certificate_sds_secret_configs",
    "tls_certificates",
    "validation_context_sds_secret_config",
)
VALIDATION_UNKNOWN: Final = (
    "verify_certificate_spki",
    "verify_certificate_hash",
    "require_signed_certificate_timestamp",
    "crl",
    "custom_validator_config",
)
UNKNOWN: Final = "is unknown to gRPC, which has its certificates from the providers in its bootstrap"


def upstream_flaws(field: str, packed: Any) -> Iterator[Flaw]:
    """What is wrong with the transport socket of a Cluster."""
    context = yield from _context(field, packed, "UpstreamTlsContext")
    if context is None:
        return
    common = context.common_tls_context
    yield from _common_flaws(f"{field}.common_tls_context", common)
    validation = _validation(common)
    if not (validation.ca_certificate_provider_instance.instance_name or validation.HasField("system_root_certs")):
        where = f"{field}.common_tls_context.validation_context"
        yield Flaw(where, "must have ca_certificate_provider_instance, with its instance_name, or system_root_certs")


def downstream_flaws(field: str, packed: Any) -> Iterator[Flaw]:
    """What is wrong with the transport socket of a Listener's filter chain."""
    context = yield from _context(field, packed, "DownstreamTlsContext")
    if context is None:
        return
    common = context.common_tls_context
    yield from _common_flaws(f"{field}.common_tls_context", common)
    if not common.tls_certificate_provider_instance.instance_name:
        yield Flaw(f"{field}.common_tls_context.tls_certificate_provider_instance", "must have its instance_name")
    authority = _validation(common).ca_certificate_provider_instance.instance_name
    if context.require_client_certificate.value and not authority:
        where = f"{field}.common_tls_context.validation_context"
        yield Flaw(where, "must have ca_certificate_provider_instance, as require_client_certificate is set")


def _context(field: str, packed: Any, wanted: str) -> Generator[Flaw, None, Any]:
    kind, message = unpacked(packed)
    if kind == TLS + wanted:
        return message
    yield Flaw(field, f"must be an {wanted}, not {last_word(kind)}")
    return None


def _common_flaws(field: str, common: Any) -> Iterator[Flaw]:
    for name in COMMON_UNKNOWN:
        if _is_set(common, name):
            yield Flaw(f"{field}.{name}", UNKNOWN)
    for name in VALIDATION_UNKNOWN:
        if _is_set(_validation(common), name):
            yield Flaw(f"{field}.validation_context.{name}", "is unknown to gRPC")


def _is_set(message: Any, name: str) -> bool:
    return any(field.name == name for field, _ in message.ListFields())


def _validation(common: Any) -> Any:
    if common.WhichOneof("validation_context_type") == "combined_validation_context":
        return common.combined_validation_context.default_validation_context
    return common.validation_context
