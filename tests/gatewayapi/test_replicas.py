"""Replicas share nothing but the objects: whatever the order in which each hears of them, they say the same."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest
from gateway_world import CASES, objects, settings_of

REPLICA = """
import json, random, sys
from sources.gatewayapi import GatewayApi, Settings
from xds.model import Object, Objects

def told(made):
    snapshots = {
        group: sorted((one.type_url, one.name, one.version) for one in every) for group, every in made.snapshots.items()
    }
    statuses = {str(key): status.to_json() for key, status in made.statuses.items()}
    return {"snapshots": snapshots, "statuses": statuses, "diagnostics": sorted(map(str, made.diagnostics))}

answers = []
for settings, bodies in json.load(sys.stdin):
    source, view = GatewayApi(Settings(**settings)), Objects()
    random.shuffle(bodies)
    for body in bodies:
        view = view.updated([(one.key, one) for one in [Object.of(body)]])
        made = source.translate(view)
    answers.append(told(made))
json.dump(answers, sys.stdout)
"""


@pytest.fixture(scope="module")
def cases() -> str:
    """(settings, objects) of each case; for every replica the same keys and certificates."""
    texts = [(one / "in.yaml").read_text() for one in sorted(CASES.iterdir())]
    return json.dumps([[settings_of(text), [one.body for one in objects(text)]] for text in texts])


def replica(cases: str, seed: int) -> list:
    """What one says, in a process of its own, with another order in every set."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    shuffled = f"import random; random.seed({seed})\n{REPLICA}"
    done = subprocess.run(
        [sys.executable, "-c", shuffled], input=cases, env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_replicas_say_the_same_of_the_same_objects(cases):
    first, *others = [replica(cases, seed) for seed in random.Random(0).sample(range(1, 10_000), 3)]
    assert len(first) == len(list(CASES.iterdir()))
    for other in others:
        assert other == first
