"""`python -m xds.server.workers`: one worker. The crew starts it, and nobody else."""

from xds.server.workers.worker import main

main()
