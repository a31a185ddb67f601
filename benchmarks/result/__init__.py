"""What was measured: frozen data, as JSON, as tables and pictures, and as a page."""
