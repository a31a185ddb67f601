"""A cluster for a developer, until Ctrl-C."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import anyio
from bench import cluster
from sandbox import way_in

WORDS: Final = """\
A cluster with one node runs in a network namespace of its own. Ctrl-C ends it and removes everything.

  {folder}/kubectl get pods -A          asks it
  {folder}/enter COMMAND                runs a command in there: only in there its addresses are reached
  {folder}/enter legation run --config FILE, with providers: {{kubernetes: {{kubeconfig: {kubeconfig}}}}}

Pods may be of the images echo-basic and coredns. The logs are beside it.
"""


async def develop() -> None:
    """Keeps it up until cancelled."""
    with tempfile.TemporaryDirectory(prefix="lg-") as name:
        folder = Path(name)
        async with cluster(folder) as server:
            _script(folder / "enter", way_in(""))
            _script(folder / "kubectl", way_in(f"{server.program} kubectl --kubeconfig {server.kubeconfig}"))
            print(WORDS.format(folder=folder, kubeconfig=server.kubeconfig), flush=True)
            await anyio.sleep_forever()


def _script(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)
