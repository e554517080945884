# SPDX-License-Identifier: BSL-1.0
"""What stands on the command line, as values. ArgumentTypeError for what is none."""
import argparse
import ast
import re


def number_of(text):
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def count_of(text):
    number = number_of(text)
    if not 0 <= number < 1 << 32:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of times")
    return number


def index_of(text):
    """(3, 4) of "3,4"; () of nothing."""
    return tuple(number_of(part) for part in text.split(",")) if text.strip() else ()


def slice_of(text):
    """slice(2, 10, 3) of "2:10:3"."""
    if text.count(":") > 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no slice: FROM:TO or FROM:TO:STEP is")
    return slice(*(number_of(part) if part.strip() else None for part in text.split(":")))


def some_elements(text):
    """Indices as "3,4 5,6", slices as "1:3,:", or else a condition."""
    if not text.strip():
        return None
    if set(text) - set("0123456789:,- "):
        return text
    if ":" not in text:
        return [index_of(part) for part in text.split()]
    return tuple(slice_of(part) if ":" in part else number_of(part) for part in text.split(","))


def selection(text):
    """Places as "0,3,-1", a slice as "2:10:3", or else a condition."""
    if re.fullmatch(r"[-\d\s,]+", text):
        return list(index_of(text.strip().rstrip(",")))
    return slice_of(text) if re.fullmatch(r"[-\d\s:]+", text) else text


def literal(text):
    """A Python literal, or the text itself where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def seconds_of(text):
    """The seconds of "8h", "30m", "10s" or "2.5"."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*(ms|s|m|h|d|)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: 10s is one, or 8h (ms, s, m, h, d)")
    return float(found[1]) * {"ms": 1e-3, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
