"""The headline numbers: ours beside those of go-control-plane, with real Envoys."""
