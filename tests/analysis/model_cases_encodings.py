"""Calls of the standard library's iterators and encodings."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import hmac
import itertools
import operator
import secrets
import zlib

from model_cases import Given, calling, measured
from model_cases_bytes import DATA
from model_cases_containers import INTS, LENGTHS, and_then, numbers

HELD = [
    make
    for n in LENGTHS
    for make in (
        lambda n=n: list(numbers(n)),
        lambda n=n: tuple(numbers(n)),
        lambda n=n: set(numbers(n)),
        lambda n=n: dict.fromkeys(numbers(n)),
        lambda n=n: range(n),
        lambda n=n: "a" * n,
        lambda n=n: bytes(n),
    )
]
# -- itertools


def begun(made):
    """Take an iterator's first item, and hold both."""
    return made, next(made, None)


def chained(*args):
    """Return a chain that has begun."""
    made = itertools.chain(*args)
    next(made, None)
    return made


def chained_from(cls, iterable):
    """Return a chain that has begun."""
    made = cls.from_iterable(iterable)
    next(made, None)
    return made


def sliced(*args):
    """Return a slice that has begun."""
    made = itertools.islice(*args)
    next(made, None)
    return made


measured("itertools.chain", itertools.chain, (), *and_then(HELD), *(lambda m=m: (m(), [1], (2,)) for m in HELD))
measured("itertools.chain", chained, *and_then(HELD), *(lambda m=m: (m(), [1], (2,)) for m in HELD))
measured("itertools.chain", itertools.chain, lambda: tuple([one] for one in range(40)))
measured("itertools.chain.from_iterable", chained_from, *(lambda m=m: (itertools.chain, [m(), m()]) for m in HELD))
measured("itertools.chain.from_iterable", chained_from, *(lambda m=m: (itertools.chain, {1: 2} and (m(), m())) for m in HELD))
measured("itertools.islice", sliced, *(lambda m=m, a=a: (m(), *a) for m in HELD for a in ((0,), (300,), (1, 5000), (1, None, 2))))
measured("itertools.islice", itertools.islice, *(lambda m=m, a=a: (m(), *a) for m in HELD for a in ((0,), (300,), (1, 5000), (1, None, 2))))
measured("itertools.repeat", itertools.repeat, ("a", 0), ("a", 5000), ("a", 2**40))
measured("operator.index", operator.index, (7,), (2**70,))

# -- base64, binascii
TEXTS = [data.hex() for data in DATA]
measured("base64.b64encode", base64.b64encode, *((data,) for data in DATA), *((data, b"-_") for data in DATA))
measured("base64.b64encode", base64.b64encode, *(lambda d=data: (bytearray(d),) for data in DATA))
measured("base64.standard_b64encode", base64.standard_b64encode, *((data,) for data in DATA))
measured("base64.urlsafe_b64encode", base64.urlsafe_b64encode, *((data,) for data in DATA))
CODED = [base64.b64encode(data) for data in DATA]
CODED += [base64.b64encode(data).decode() for data in DATA] + [b"\n".join([b"YWJj"] * 200), b"ab$%&==" * 200 + b"YWJj"]
for name in ("b64decode", "standard_b64decode", "urlsafe_b64decode"):
    measured(f"base64.{name}", getattr(base64, name), *((one,) for one in CODED))
measured("base64.b64decode", base64.b64decode, *((one, b"-_") for one in CODED[:20]), *((one, None, True) for one in CODED[:20]))
measured("base64.b64decode", base64.b64decode, (b"abc" * 901,), ("a",), raises=True)
measured("base64.decodebytes", base64.decodebytes, *((one,) for one in CODED if isinstance(one, bytes)))
measured("base64.encodebytes", base64.encodebytes, *((data,) for data in DATA), (b"x" * 57,), (b"x" * 20000,))
measured("base64.b16encode", base64.b16encode, *((data,) for data in DATA))
for name in ("hexlify", "b2a_hex"):
    measured(f"binascii.{name}", getattr(binascii, name), *((data,) for data in DATA), *((data, "-") for data in DATA))
for name in ("unhexlify", "a2b_hex"):
    measured(f"binascii.{name}", getattr(binascii, name), *((one,) for one in TEXTS), *((one.encode(),) for one in TEXTS))
measured("binascii.b2a_base64", binascii.b2a_base64, *((data,) for data in DATA), *(Given(data, newline=False) for data in DATA))
measured("binascii.a2b_base64", binascii.a2b_base64, *((one,) for one in CODED))
measured("binascii.crc32", binascii.crc32, *((data,) for data in DATA), (b"a" * 900, 2**32 - 1))
measured("binascii.crc_hqx", binascii.crc_hqx, *((data, 0) for data in DATA))
for name in ("crc32", "adler32"):
    measured(f"zlib.{name}", getattr(zlib, name), *((data,) for data in DATA), (b"a" * 900, 2**32 - 1))
for kind in (binascii.Error, binascii.Incomplete, zlib.error, csv.Error):
    name = f"{kind.__module__.removeprefix('_')}.{kind.__name__}"
    measured(name, kind, (), ("a",), ("a", 1, 2))
RANDOM = hashlib.shake_128(b"seed").digest(200_000)
measured("zlib.compress", zlib.compress, *((data,) for data in DATA), (RANDOM,), (RANDOM[:40_000],), (RANDOM, 0), (RANDOM[:20_000], 9), (bytes(300_000),))

# -- hashlib, hmac
for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
    for full in (f"hashlib.{name}", f"hashlib.openssl_{name}"):
        measured(full, getattr(hashlib, name), (), *((data,) for data in DATA), (RANDOM,))
for name in ("sha3_224", "sha3_256", "sha3_384", "sha3_512"):
    measured(f"hashlib.openssl_{name}", getattr(hashlib, name), (), *((data,) for data in DATA), (RANDOM,))
measured("hashlib.new", hashlib.new, ("sha256",), ("md5", b"a" * 900), ("sha512", RANDOM), Given("sha1", b"abc", usedforsecurity=False))
HASHES = [lambda n=n: hashlib.new(n, b"abc") for n in ("md5", "sha256", "sha512", "sha3_512")]
measured("hashlib.HASH.update", calling("update", 1), *and_then(HASHES, b"abc"), *and_then(HASHES, RANDOM))
for name in ("copy", "digest", "hexdigest"):
    measured(f"hashlib.HASH.{name}", calling(name), *and_then(HASHES))
for name in ("digest_size", "block_size", "name"):
    measured(f"hashlib.HASH.{name}", operator.attrgetter(name), *and_then(HASHES))
for full, call in (("hashlib", hmac), ("hmac", hmac), ("secrets", secrets)):
    measured(f"{full}.compare_digest", call.compare_digest, ("abc", "abd"), (b"a" * 900, b"a" * 900))
measured("operator._compare_digest", hmac.compare_digest, ("abc", "abd"))
for digest in ("md5", "sha256", "sha512", hashlib.sha256, hashlib.sha512):
    measured("hmac.new", hmac.new, (b"key", b"message", digest), (b"key" * 900, RANDOM, digest), Given(b"", digestmod=digest))
    measured("hmac.digest", hmac.digest, (b"key", b"message", digest), (b"key" * 900, RANDOM, digest))
    made = [lambda d=digest: hmac.new(b"key", b"message", d)]
    measured("hmac.HMAC.update", calling("update", 1), *and_then(made, b"abc"), *and_then(made, RANDOM))
    for name in ("copy", "digest", "hexdigest"):
        measured(f"hmac.HMAC.{name}", calling(name), *and_then(made))
