"""The synthetic client: thousands of proxies in one process, each so light that the server is what is measured."""
