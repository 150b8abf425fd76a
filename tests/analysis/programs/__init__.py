"""Typed programs of our own that the analyser is judged on; their inputs are in the sidecar of each, `*_inputs.py`."""
