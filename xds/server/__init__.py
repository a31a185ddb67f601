"""The edges: gRPC, REST, the admin service and metrics, and the fleet that they serve."""
