"""The languages configuration is written in, one package each; a source turns objects into resources."""
