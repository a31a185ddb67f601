"""The composition root: settings, plug-ins, the pipeline from objects to snapshots, and the command `legation`."""
