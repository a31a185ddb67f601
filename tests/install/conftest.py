"""Fixtures: what `legation manifests` prints, as data."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner

from providers.install.command import manifests


class Printed:
    """The objects of one installation."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.objects = list(yaml.safe_load_all(text))

    def of_kind(self, kind: str) -> list[dict]:
        return [one for one in self.objects if one["kind"] == kind]

    def the(self, kind: str, name: str = "") -> dict:
        (found,) = (one for one in self.of_kind(kind) if name in ("", one["metadata"]["name"]))
        return found

    @property
    def container(self) -> dict:
        (found,) = self.the("Deployment")["spec"]["template"]["spec"]["containers"]
        return found

    @property
    def settings(self) -> str:
        """The text of the settings file."""
        (text,) = self.the("ConfigMap")["data"].values()
        return text

    def granted(self, kind: str, name: str = "") -> set[tuple[str, str, str]]:
        """(API group, resource, verb) of everything that a role allows."""
        return {
            (group, resource, verb)
            for rule in self.the(kind, name)["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }


@pytest.fixture
def printed():
    """Prints the objects of an installation with these options."""

    def made(*options: str) -> Printed:
        result = CliRunner().invoke(manifests, options, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return Printed(result.output)

    return made
