"""Training of the bundled model. `python -m training --help` is the one command."""
