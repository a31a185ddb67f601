"""What proxies and people connect to: the xDS server with its transports, REST, the admin page, and the metrics."""
