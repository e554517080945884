# SPDX-License-Identifier: BSL-1.0
"""motet watch and motet top: what a program does, again and again, in a terminal."""
import collections
import math
import shutil
import sys
import time

from . import connect

MARKS = "*+ox#@%&"


def numbers_of(value):
    """The numbers that a value is made of: of a sequence each, of many their least, mean and most; {} if it has none.
    By name."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): float(each) for key, each in value.items() if isinstance(each, (int, float))}
    if isinstance(value, (bool, int, float)):
        return {"": float(value)}
    if not isinstance(value, (list, tuple)):
        return {}
    flat = []
    stack = list(value)
    while stack:
        each = stack.pop()
        if isinstance(each, (list, tuple)):
            stack.extend(each)
        elif isinstance(each, (int, float)):
            flat.append(float(each))
    flat.reverse()
    if not flat:
        return {}
    if len(flat) <= len(MARKS):
        return {f"[{i}]": each for i, each in enumerate(flat)}
    return {"least": min(flat), "mean": sum(flat) / len(flat), "most": max(flat)}


def plot(series, width, height, seconds):
    """Curves as lines of text. `series`: lists of numbers by name, all as long as `seconds`."""
    drawn = [each for values in series.values() for each in values if math.isfinite(each)]
    if not drawn:
        return ["no finite number yet"]
    low, high = min(drawn), max(drawn)
    if low == high:
        low, high = low - (abs(low) / 2 or 1), high + (abs(high) / 2 or 1)
    labels = [f"{high:.5g}", f"{(low + high) / 2:.5g}", f"{low:.5g}"]
    margin = max(map(len, labels))
    columns = max(width - margin - 2, 10)
    rows = max(height - len(series) - 2, 3)
    grid = [[" "] * columns for _ in range(rows)]
    for mark, values in zip(MARKS, series.values()):
        count = len(values)
        for i, each in enumerate(values[-columns:] if count <= columns else values):
            if math.isfinite(each):
                column = i if count <= columns else i * (columns - 1) // (count - 1)
                row = round((high - each) / (high - low) * (rows - 1))
                grid[row][column] = mark
    sides = {0: labels[0], rows // 2: labels[1], rows - 1: labels[2]}
    lines = [f"{sides.get(i, ''):>{margin}} |{''.join(row).rstrip()}" for i, row in enumerate(grid)]
    lines.append(f"{'':>{margin}} +{'-' * columns}")
    lines.append(f"{'':>{margin}}  the last {seconds[-1] - seconds[0]:.3g} s")
    lines += [f"{mark} {name} {values[-1]:.6g}".replace("  ", " ")
              for mark, (name, values) in zip(MARKS, series.items())]
    return lines


def redraw(lines, out):
    """In place of what stood in the terminal; below each other elsewhere."""
    if out.isatty():
        out.write("\x1b[H\x1b[J")
    out.write("\n".join(lines) + "\n")
    out.flush()


def again(every, count, step):
    """Calls step() every so many seconds, `count` times, or without end, until Ctrl-C."""
    done = 0
    following = time.monotonic()
    try:
        while True:
            step()
            done += 1
            if done == count:
                return 0
            following = max(following + every, time.monotonic())
            time.sleep(following - time.monotonic() if following > time.monotonic() else 0)
    except KeyboardInterrupt:
        print()
        return 0


def watch(program, name, index, expression, every, count, out=sys.stdout):
    """Draws the value of an expression, evaluated in what is served under that name, or in main."""
    with connect(program) as p:
        seconds = collections.deque(maxlen=2000)
        series = {}
        began = time.monotonic()

        def step():
            found = numbers_of(p.run(name, expression, index, high_level=True))
            if not found:
                raise SystemExit(f"motet: {expression} gives no number")
            seconds.append(time.monotonic() - began)
            for each in found:
                if each not in series:
                    series[each] = collections.deque([math.nan] * (len(seconds) - 1), maxlen=seconds.maxlen)
            for each, values in series.items():
                values.append(found.get(each, math.nan))
            if out.isatty():
                size = shutil.get_terminal_size()
                redraw([f"{p.name} {name}: {expression}"] +
                       plot({k: list(v) for k, v in series.items()}, size.columns, size.lines - 2, seconds), out)
            else:
                print(f"{seconds[-1]:.3f}", *(f"{each}={value!r}" if each else repr(value)
                                              for each, value in found.items()), file=out, flush=True)
        return again(every, count, step)


def table(heads, rows):
    """Columns, the first one from the left and the others from the right."""
    rows = [heads, *[[str(each) for each in row] for row in rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    return ["  ".join(f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths)))
            .rstrip() for row in rows]


def top(program, every, count, out=sys.stdout):
    """What each PE and each entry does."""
    before = {}
    with connect(program) as p:
        def step():
            pes, entries = p.inspect("pes"), p.inspect("entries")
            now = time.monotonic()
            since = now - before.get("time", now)

            def rate(key, value, form="{:.0f}"):
                last = before.get(key)
                before[key] = value
                return form.format((value - last) / since) if last is not None and since > 0 else "-"
            rows = [[pe["pe"], pe["process"], rate(("m", pe["pe"]), pe["methods"]), rate(("n", pe["pe"]), pe["messages"]),
                     pe["queued"], pe["held"], pe["parked"], pe["chares"], rate(("c", pe["pe"]), 100 * pe["cpu"]),
                     f"{pe['memory'] / 2**20:.0f}"] for pe in pes]
            size = shutil.get_terminal_size().lines - 5 if out.isatty() else 1 << 30
            lines = [p.name, ""]
            lines += table(["PE", "process", "methods/s", "messages/s", "in line", "held", "waiting", "chares", "CPU %",
                            "MiB"], rows[:max(size // 2, 3)])
            if len(rows) > max(size // 2, 3):
                lines.append(f"… {len(rows) - max(size // 2, 3)} more PEs")
            lines.append("")
            lines += table(["entry", "calls", "calls/s", "time %", "longest us", "waits"],
                           [[e["name"], e["calls"], rate(("e", e["name"]), e["calls"]),
                             rate(("t", e["name"]), 100 * e["seconds"], "{:.1f}"), f"{e['longest'] * 1e6:.0f}", e["waits"]]
                            for e in entries][:max(size - len(lines), 3)])
            before["time"] = now
            redraw(lines, out)
        return again(every, count, step)
