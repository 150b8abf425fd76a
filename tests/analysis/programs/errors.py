"""Exceptions that outlive their handlers, and what their frames keep."""

from __future__ import annotations

import base64
from collections import OrderedDict


def caught(data: bytes) -> BaseException | None:
    try:
        int("x" + str(len(data)))
    except ValueError as error:
        big = data * 10
        if big:
            return error
    return None


def passed_on(data: bytes) -> BaseException | None:
    big = data * 11
    found = caught(data)
    return found if big else None


def caught_before_more(data: bytes) -> int:
    found = caught(data)
    size = len(data * 20)
    return size + (found is None)


def collected(data: bytes, times: int) -> list[BaseException | None]:
    return [passed_on(data) for _ in range(min(times, 30))]


def collected_by_continue(datas: list[bytes]) -> list[BaseException]:
    found: list[BaseException] = []
    for data in datas:
        big = data * 3
        try:
            found.append(KeyError(int("x" + str(len(big)))))
        except ValueError as error:
            found.append(error)
            continue
    return found


def _failing(data: bytes) -> None:
    big = data * 9
    raise ValueError(len(big))


def handled_inside_a_handler(data: bytes) -> int:
    try:
        _failing(data)
    except ValueError:
        try:
            raise KeyError(1)
        except KeyError:
            pass
        return len(data * 10)
    return 0


def raised_again(datas: list[bytes]) -> int:
    failed = 0
    for data in datas:
        try:
            try:
                _failing(data)
            except ValueError as error:
                failed += len(str(error))
                raise
        except ValueError:
            failed += 1
    return failed


def passed_by_finally(data: bytes) -> BaseException | None:
    steps = 0
    try:
        try:
            try:
                _failing(data)
            finally:
                steps += len(data * 2)
        except KeyError:
            steps = 0
        finally:
            steps += len(data * 3)
    except ValueError as error:
        return error if steps else None
    return None


def raises_in_a_handler(data: bytes) -> int:
    big = data * 2
    try:
        _failing(data)
    except ValueError:
        try:
            int(str(len(big)) + "x")
        finally:
            raise KeyError(len(big))
    return 0


def caught_from_a_handler(data: bytes) -> BaseException | None:
    big = data * 3
    try:
        raises_in_a_handler(data)
    except KeyError as error:
        return error if big else None
    return None


class Last:
    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.made = ValueError("made once")

    def keep(self, data: bytes) -> int:
        try:
            _failing(data)
        except ValueError as error:
            self.error = error
        return len(data * 2)

    def raise_it(self, data: bytes) -> int:
        big = data * 5
        try:
            raise self.made
        except ValueError:
            return len(big)


def kept_in_an_attribute(last: Last, datas: list[bytes]) -> int:
    return sum(last.keep(data) for data in datas)


def raised_what_was_there(last: Last, data: bytes) -> int:
    return last.raise_it(data) + last.raise_it(data + b"x")


class Private:
    def __init__(self, text: str) -> None:
        self.__text = text

    def twice(self) -> str:
        return self.__text * 2


def of_private(private: Private) -> str:
    return private.twice() + "!"


# -- what else an error keeps: a codec's text, whichever name it was asked by; a key; what a library's frame holds
def kept_by_a_codec(text: str) -> int:
    try:
        return len(bytes(text + "\u20ac", "ascii"))
    except ValueError:
        return len(text * 3)


def kept_as_a_key(text: str) -> int:
    table: OrderedDict[str, int] = OrderedDict()
    try:
        table.move_to_end(text + "1")
    except KeyError:
        return len(text * 3)
    return 0


def kept_as_a_named_key(text: str) -> int:
    table: OrderedDict[str, int] = OrderedDict()
    try:
        return table.pop(key=text + "1")
    except KeyError:
        return len(text * 3)


def kept_by_a_frame(text: str) -> int:
    try:
        return len(base64.b64decode(text + "\u20ac"))
    except ValueError:
        return len(text * 3)


# -- an exception that is raised again goes on with the traceback that it has
def raised_again_and_again(times: int) -> int:
    error = ValueError("once")
    for _ in range(times):
        try:
            raise error
        except ValueError:
            pass
    return times


def _raise(error: ValueError, count: int) -> None:
    held = [0] * count
    held.append(1)
    raise error


def frames_of_one_error(count: int) -> int:
    error = ValueError("once")
    for _ in range(20):
        try:
            _raise(error, count)
        except ValueError:
            pass
    return count


def the_last_one_raised_again(words: list[str]) -> ValueError | None:
    last: ValueError | None = None
    for word in words:
        try:
            if last is not None:
                raise last
            raise ValueError(word)
        except ValueError as error:
            last = error
    return last


# -- what is raised while a caller handles another one has that as its context
def _kept_error() -> BaseException:
    try:
        raise KeyError("inside")
    except KeyError as error:
        return error


def context_of_a_caller(count: int) -> tuple[BaseException | None, list[int]]:
    kept: BaseException | None = None
    try:
        _raise(ValueError("outside"), count)
    except ValueError:
        kept = _kept_error()
    return kept, [0] * count


def written_from_a_handler(last: Last, count: int) -> list[int]:
    try:
        _raise(ValueError("outside"), count)
    except ValueError:
        last.error = _kept_error()
    return [0] * count
