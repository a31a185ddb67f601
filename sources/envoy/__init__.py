"""Envoy's own resources as a configuration language: what is written goes out as it is, to Envoys and to gRPC clients."""

from sources.envoy.source import Envoy

__all__ = ["Envoy"]
