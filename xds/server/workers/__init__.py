"""Workers: more processes that serve one xDS port, each with its own event loop, fed by the one that builds snapshots."""
