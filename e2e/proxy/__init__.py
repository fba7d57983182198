"""A proxy that stands before the API server and spoils what it is told to: see README.md."""
