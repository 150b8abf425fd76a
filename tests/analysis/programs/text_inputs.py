from __future__ import annotations

from values import calls

from programs import text

FUNCTIONS = (
    text.shout,
    text.repeated,
    text.reversed_words,
    text.built,
    text.report,
    text.encoded,
    text.decoded,
    text.replaced,
    text.character_counts,
    text.common_prefix,
    text.folded,
)
INPUTS = {function: list(calls(function)) for function in FUNCTIONS}
