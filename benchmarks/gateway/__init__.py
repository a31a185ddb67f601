"""Real gateways: manifests, the control plane over files, Envoys, and the probing of routes."""
