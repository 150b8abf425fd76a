"""Numbers: whose size is not their type's."""

from __future__ import annotations


def product(numbers: list[int]) -> int:
    total = 1
    for number in numbers:
        total *= number
    return total


def squares(n: int) -> list[int]:
    return [number * number for number in range(min(n, 1000))]


def primes(limit: int) -> list[int]:
    limit = min(limit, 5000)
    sieve = bytearray([1]) * (limit + 1) if limit >= 0 else bytearray()
    found = []
    for number in range(2, limit + 1):
        if sieve[number]:
            found.append(number)
            for multiple in range(number * number, limit + 1, number):
                sieve[multiple] = 0
    return found


def mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def shifted(number: int, by: int) -> int:
    return number << min(max(by, 0), 10_000)


def digits(number: int) -> list[int]:
    return [int(digit) for digit in str(abs(number))]


def greatest_common_divisor(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def matrix(rows: int, columns: int) -> list[list[int]]:
    rows, columns = min(rows, 60), min(columns, 60)
    return [[row * columns + column for column in range(columns)] for row in range(rows)]
