#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks README.md and docs/*.md against the tree that they describe.

- Every block of C++ and Python is cut from a file that is compiled or run, which a comment above the block names:
  <!-- examples/hello.cpp --> and then ```cpp. Its lines stand there in one piece, at any indentation;
  a line of its own that says // … (or # …) skips some.
- Every relative link, and every path in a row of docs/features.md that says yes, leads to a file.
- The tests named in docs/manual/from_pythonccs.md are there: the beginning of a case (desk: *handles:*) in tests/script/, a
  function (clients.py `check`) in tests/script_jobs/.
"""
import pathlib
import re
import sys
import textwrap

root = pathlib.Path(__file__).resolve().parent.parent
problems = []


def block_is_in(block, source):
    """Whether the parts of the block, which lines of // … or # … separate, follow each other in the source."""
    lines = [line.strip() for line in source.splitlines()]
    at = 0
    for part in re.split(r"^\s*(?://|#) …\s*$", block, flags=re.MULTILINE):
        wanted = [line.strip() for line in part.strip("\n").splitlines()]
        while at <= len(lines) - len(wanted) and lines[at:at + len(wanted)] != wanted:
            at += 1
        if at > len(lines) - len(wanted):
            return False
        at += len(wanted)
    return True


def check_blocks(page, text):
    for match in re.finditer(r"(?:<!-- *(\S+) *-->\n+)?^```(?:cpp|c\+\+|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start(2))
        source, block = match.groups()
        if source is None:
            problems.append(f"{page}:{line}: no comment says which file this block is cut from")
        elif not (root / source).is_file():
            problems.append(f"{page}:{line}: there is no {source}")
        elif not block_is_in(block, (root / source).read_text()):
            problems.append(f"{page}:{line}: {source} has no such lines:\n{textwrap.indent(block, '    ')}")


def check_links(page, text):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
            problems.append(f"{page.relative_to(root)}: there is no {target}")


def check_parity(page, text):
    for row in re.findall(r"^\|.*\| *(.*?) *\|$", text.partition("## Parity")[2], re.MULTILINE):
        for file, _, named in (part.strip().partition(" ") for part in row.split(";")):
            for path in (root / "tests/script" / f"{file.rstrip(':')}.cpp", root / "tests/script_jobs" / file):
                source = path.read_text() if path.is_file() else ""
                wanted = re.findall(r"\*([^*]+)\*", named) if path.suffix == ".cpp" else re.findall(r"`(\w+)`", named)
                for each in wanted if source else ():
                    if f'TEST_CASE("{each}' not in source and f"def {each}(" not in source:
                        problems.append(f"{page.relative_to(root)}: {path.name} has no {each}")


def check_features(text):
    for row in re.findall(r"^\|.*\|\s*yes\s*\|\s*$", text, re.MULTILINE):
        paths = re.findall(r"(?:tests|examples|bench|docs|cmake|include)/[\w./+-]+", row)
        if not paths:
            problems.append(f"docs/features.md: no test or example is named: {row}")
        problems.extend(f"docs/features.md: there is no {path}: {row}" for path in paths if not (root / path).exists())


pages = [page for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))] if page.exists()]
for page in pages:
    text = page.read_text()
    check_blocks(page.relative_to(root), text)
    check_links(page, text)
    if page.name == "features.md":
        check_features(text)
    if page.name == "from_pythonccs.md":
        check_parity(page, text)
for problem in problems:
    print(problem)
print(f"{len(pages)} pages, {len(problems)} problems")
sys.exit(1 if problems else 0)
