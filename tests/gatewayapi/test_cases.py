"""The case folders: `in.yaml` is what a person writes, `out.yaml` what comes of it.

`REGENERATE=1 pytest tests/gatewayapi/test_cases.py` writes the outputs anew: read every difference before keeping it.
The first line of an `in.yaml` says what the case is about; a line `# settings: {…}` gives the source's settings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from gateway_world import CASES, bootstrap, rendered, settings_of, translate

from xds.model import dangling

NAMES = sorted(one.name for one in CASES.iterdir())


@pytest.fixture(params=NAMES)
def case(request) -> Path:
    return CASES / request.param


@pytest.fixture
def translation(case):
    text = (case / "in.yaml").read_text()
    return translate(text, **settings_of(text))


def test_the_translation_is_as_written_down(case, translation):
    found = rendered(translation)
    if os.environ.get("REGENERATE"):
        (case / "out.yaml").write_text(yaml.safe_dump(found, sort_keys=False, width=125))
    assert found == yaml.safe_load((case / "out.yaml").read_text())


def test_every_snapshot_has_what_it_names(translation):
    assert [dangling(one) for one in translation.snapshots.values()] == [[]] * len(translation.snapshots)


@pytest.mark.envoy
def test_a_real_envoy_takes_it(translation, tmp_path):
    envoy = Path(sys.executable).with_name("envoy")
    for number, snapshot in enumerate(translation.snapshots.values()):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(bootstrap(snapshot)))
        command = [envoy, "--mode", "validate", "-c", file, "--log-level", "error"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
