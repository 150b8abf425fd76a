"""Calls of codecs, os.path, hmac's C half and typing, and the `import` of what is there."""

from __future__ import annotations

import _collections_abc
import _hashlib
import codecs
import genericpath
import hmac
import io
import typing

from model_cases import measured
from model_cases_bytes import DATA
from model_cases_str import TEXTS

NAMES = ("utf-8", "latin-1", "UTF_8", "cp437", "x" * 5000)
for name in NAMES[:4]:
    codecs.lookup(name)
measured("codecs.lookup", codecs.lookup, *((name,) for name in NAMES[:4]))
measured("codecs.lookup", codecs.lookup, (NAMES[4],), raises=True)
for name in ("incrementaldecoder", "incrementalencoder", "streamreader", "streamwriter", "encode", "decode"):
    found = codecs.lookup("utf-8")
    measured(f"codecs.CodecInfo.{name}", lambda self, name=name: getattr(self, name), (found,))

PATHS = [
    [],
    ["a/b", "a/c"],
    [text for text in TEXTS if isinstance(text, str)][:9],
    ["x" * 3000, "x" * 2999 + "€"],
]
for path in ("genericpath", "posixpath"):
    measured(f"{path}.commonprefix", genericpath.commonprefix, *((one,) for one in PATHS if one))
    measured(f"{path}.commonprefix", genericpath.commonprefix, ([list("abc" * 50), list("abcd" * 50)],))
    measured(f"{path}.commonprefix", genericpath.commonprefix, ([b"abc" * 50, b"abcab"],))
measured("genericpath._check_arg_types", genericpath._check_arg_types, ("join", "a", "b"), ("join", b"a"))
measured("genericpath._check_arg_types", genericpath._check_arg_types, ("join", "a", 3), raises=True)
measured(
    "_collections_abc._check_methods",
    _collections_abc._check_methods,
    (list, "__len__", "__iter__"),
    (int, "x"),
)

KEYED = _hashlib.hmac_new(b"key", b"text", "sha256")
measured("hashlib.HMAC.copy", lambda self: self.copy(), (KEYED,))
measured(
    "hashlib.HMAC.update", lambda self, data: self.update(data), *((KEYED.copy(), data) for data in DATA[:5])
)
measured("hashlib.HMAC.digest", lambda self: self.digest(), (KEYED,))
measured("hashlib.HMAC.hexdigest", lambda self: self.hexdigest(), (KEYED,))
assert hmac.new(b"key", b"text", "sha256").digest() == KEYED.digest()

for name in ("io._BufferedIOBase.readinto", "io.BytesIO.readinto"):
    measured(
        name,
        lambda self, buffer: self.readinto(buffer),
        *(lambda d=d: (io.BytesIO(d), bytearray(70)) for d in DATA[:9]),
    )

Name = typing.NewType("Name", bytes)
measured("typing.NewType.__call__", Name, *((data,) for data in DATA[:3]))
measured("types.GenericAlias", lambda: list[int], ())
measured("types.GenericAlias", lambda: dict[str, int], ())
measured("types.GenericAlias", lambda inside: list[inside], (int,))
