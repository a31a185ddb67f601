"""The control planes that are measured, each a program that is told what to serve over its standard input."""
