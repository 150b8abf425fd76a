"""Experiments and benchmarks. They know everything below them, and nothing knows them."""
