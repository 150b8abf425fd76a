"""Types of parameters that several subcommands have. Each refuses bad text as a wrong use, status 2."""

from __future__ import annotations

import math

import click

from hardtack.units import parse_bytes


class Size(click.ParamType):
    """A number of bytes, or text such as 16MiB; an int."""

    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse it."""
        try:
            return value if isinstance(value, int) else parse_bytes(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Seconds(click.ParamType):
    """A time in seconds, more than 0; a float."""

    name = "S"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse it."""
        try:
            seconds = float(str(value))
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < 1e9:
            self.fail(f"{value!r} is not a number of seconds greater than 0", param, ctx)
        return seconds


class Assignment(click.ParamType):
    """K=V; a pair."""

    name = "K=V"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split it."""
        if isinstance(value, tuple):
            return value
        key, equals, content = str(value).partition("=")
        if not equals or not key:
            self.fail(f"{value!r} is not of the form K=V", param, ctx)
        return key, content


class Mount(click.ParamType):
    """HOST or HOST::GUEST; a pair of the guest's name and the host's directory."""

    name = "HOST[::GUEST]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split it. Without a guest's name that is the host's, as it was given."""
        if isinstance(value, tuple):
            return value
        host, colons, guest = str(value).partition("::")
        if not host or (colons and not guest):
            self.fail(f"{value!r} is not of the form HOST or HOST::GUEST", param, ctx)
        return guest or host, host
