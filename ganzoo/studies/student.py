"""Student's t: intervals of means, and Welch's test, exact for any degrees of freedom.

A comparison must work without scipy, which is an extra; the tests compare with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

ITERATIONS = 500
EPSILON = 1e-15
TINY = 1e-300


def interval(
    values: Sequence[float], level: float = 0.95, *, within: tuple[float | None, float | None] = (None, None)
) -> tuple[float, float] | None:
    """The interval x̄ ± t·s/√n in which the mean of the population lies; ``None`` for fewer than two values.

    Student, *The probable error of a mean*, Biometrika 6, 1908. It supposes that values are about normally distributed.

    Of a number that lies ``within`` a range, such as a share or a distance, the interval is cut off at the ends of the
    range: the mean cannot lie outside, so that nothing is lost and the interval covers it as often as before. An
    interval of log-odds would need no cut, and is none of the mean of shares: it has no place for a share of 0 or 1,
    which the recall of a collapsed generator is.
    """
    if len(values) < 2:
        return None
    mean, half = fmean(values), quantile(level, len(values) - 1) * math.sqrt(variance(values) / len(values))
    least, largest = within
    low = mean - half if least is None else max(mean - half, least)
    high = mean + half if largest is None else min(mean + half, largest)
    return low, high


def welch(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Two-sided p of the hypothesis that two populations have one mean, whatever their variances.

    t = (x̄ − ȳ) / √(s²ₓ/n + s²ᵧ/m), with Welch's and Satterthwaite's degrees of freedom. B. L. Welch, *The
    generalization of "Student's" problem when several different population variances are involved*, Biometrika 34,
    1947. ``None`` where it says nothing: fewer than two values on a side, or none that vary at all.
    """
    if min(len(one), len(other)) < 2:
        return None
    a, b = variance(one) / len(one), variance(other) / len(other)
    if a + b == 0:
        return None
    freedom = (a + b) ** 2 / (a**2 / (len(one) - 1) + b**2 / (len(other) - 1))
    return two_sided((fmean(one) - fmean(other)) / math.sqrt(a + b), freedom)


def holm(p: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for how many there are: the chance of one false difference among all stays below the level.

    S. Holm, *A simple sequentially rejective multiple test procedure*, Scand. J. Statist. 6, 1979. Those that are
    ``None`` are no tests, and do not count.
    """
    order = sorted((value, place) for place, value in enumerate(p) if value is not None)
    corrected: list[float | None] = [None] * len(p)
    largest = 0.0
    for rank, (value, place) in enumerate(order):
        largest = max(largest, min(1.0, value * (len(order) - rank)))
        corrected[place] = largest
    return corrected


def two_sided(t: float, freedom: float) -> float:
    """P(|T| ≥ |t|) = I_x(ν/2, ½) with x = ν/(ν + t²): Abramowitz and Stegun, 26.7.1 and 26.5.27."""
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def quantile(level: float, freedom: float) -> float:
    """The t with P(|T| ≤ t) = ``level``, by bisection: the probability falls from 1 to 0."""
    low, high = 0.0, 1.0
    while two_sided(high, freedom) > 1 - level:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, freedom) > 1 - level else (low, middle)
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), regularized: the continued fraction of Abramowitz and Stegun, 26.5.8, by Lentz's method."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly: 26.5.2
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    value, c, d = 1.0, 1.0, 0.0
    for number in range(ITERATIONS):
        m, odd = divmod(number, 2)
        if number == 0:
            numerator = 1.0
        elif odd:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + numerator * d) or TINY)
        c = (1 + numerator / c) or TINY
        value *= c * d
        if abs(c * d - 1) < EPSILON:
            break
    return math.exp(log_front) / a * (value - 1)
