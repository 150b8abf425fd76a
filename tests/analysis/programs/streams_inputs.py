from __future__ import annotations

from values import calls

from programs import streams

FUNCTIONS = (
    streams.written_in_pieces,
    streams.written_and_read,
    streams.given_and_kept,
    streams.over_and_over,
    streams.shared_bytes,
    streams.far_beyond,
    streams.shrunk_and_grown,
    streams.kept_open,
    streams.truthful,
)
INPUTS = {function: list(calls(function)) for function in FUNCTIONS}
INPUTS[streams.numbered] = [lambda n=n: ((n,), {}) for n in (0, 1, 7, 300, 5000)]
