#!/usr/bin/env python3
"""The polynomials of lib/backend/cpu/simd/vec_math.inc.

Both are fitted for the least largest relative error, by least squares whose
weights are raised where the error is largest (Lawson's iteration).

Made with numpy 2.x and mpmath 1.3; prints coefficients rounded to float, lowest
power first, and the error before rounding.
"""
import mpmath as mp
import numpy as np

mp.mp.dps = 40


def lawson(columns, rounds=400):
    """c with max |columns c - 1| least; returns it and that error."""
    w = np.ones(len(columns))
    for _ in range(rounds):
        root = np.sqrt(w)
        c, *_ = np.linalg.lstsq(columns * root[:, None], root, rcond=None)
        error = np.abs(columns @ c - 1)
        w *= error / error.max() + 1e-3
        w /= w.mean()
    return c, error.max()


def nodes(n):
    return np.cos(np.pi * (np.arange(n) + 0.5) / n)


def show(name, c, error):
    print(f"{name}: error {error:.2e}")
    print("   ", ", ".join(f"{np.float32(v):.9e}f" for v in c))


def normal_tail(slope=float(np.float32(0.265)), degree=8, largest=14.3):
    """q of Phi(-a) = exp(-a^2 / 2) t q(t), t = 1 / (1 + slope a)."""
    least = 1 / (1 + slope * largest)
    x = nodes(600)
    t = (1 + least) / 2 + (1 - least) / 2 * x
    mills = [mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2
             for a in map(mp.mpf, (1 / t - 1) / slope)]
    q = np.array([float(m) for m in mills]) / t
    basis = np.polynomial.chebyshev.chebvander(x, degree) / q[:, None]
    c, error = lawson(basis)
    series = np.polynomial.chebyshev.Chebyshev(c, domain=[least, 1])
    return series.convert(kind=np.polynomial.Polynomial).coef, error


def exponential(degree=4):
    """p of exp(r) = 1 + r + r^2 p(r), |r| <= ln 2 / 2."""
    r = nodes(400) * float(mp.log(2) / 2) * 1.0005
    y = np.array([float((mp.exp(v) - 1 - v) / v**2) for v in map(mp.mpf, r)])
    size = r**2 / np.exp(r)  # of an error in p, relative to exp(r)
    w, powers = np.ones(len(r)), np.vander(r, degree + 1, increasing=True)
    for _ in range(200):
        root = size * np.sqrt(w)
        c, *_ = np.linalg.lstsq(powers * root[:, None], y * root, rcond=None)
        error = np.abs((powers @ c - y) * size)
        w *= error / error.max() + 1e-3
        w /= w.mean()
    return c, error.max()


show("normal tail", *normal_tail())
show("exponential", *exponential())
