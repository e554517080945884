# SPDX-License-Identifier: BSL-1.0
"""Reads what was done to programs from outside (--motet-script-log). With --via this file runs on the other host: it
needs nothing but Python."""
import json
import os
import sys


def folder():
    """Where the logs are, where the program was not told otherwise."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(state, "motet")


def files(name=None):
    """The logs of programs of that name (with or without its number), the oldest first; `name` may be a file."""
    if name and os.path.exists(name):
        found = [name]
    else:
        path = folder()
        found = [os.path.join(path, each) for each in os.listdir(path)] if os.path.isdir(path) else []
        found = [each for each in found if each.endswith(".log") and
                 name in (None, os.path.basename(each)[:-4], os.path.basename(each)[:-4].rpartition(".")[0])]
        found.sort(key=os.path.getmtime)
    return [part for each in found for part in (each + ".1", each) if os.path.exists(part)]


def entries(path):
    """Each line as a dict. A line that was cut off by the end of a machine is left out."""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                pass


def shown(entry):
    """One entry for people."""
    entry = dict(entry)
    text = f"{entry.pop('time', '')} {entry.pop('does', '?')}"
    code, outcomes = entry.pop("code", None), entry.pop("outcomes", ())
    for name, value in entry.items():
        if value not in ("", []):
            text += f"  {name}: {value}"
    if code is not None:
        text += "".join("\n    " + line for line in code.splitlines())
    for each in outcomes:
        where = ", ".join(map(str, each.get("index", ())))
        text += (f"\n    [{where}] on PE {each.get('PE')}, after {each.get('messages')} messages: "
                 f"{each.get('error', 'done')}")
    return text


def show(name=None):
    """Prints them."""
    found = files(name)
    if not found:
        print(f"motet: there is no log of {name or 'any program'} in {folder()}", file=sys.stderr)
    for path in found:
        print(path)
        for entry in entries(path):
            print(shown(entry))
