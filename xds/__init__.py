"""Legation's core: the model, the codec, the protocol, the server and the composition root; imports go down only."""
