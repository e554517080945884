#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# words.sh PROGRAM [OPTION…]: against tr, sort and uniq, over this repository's own texts and, where they are, Debian's
# texts of licences.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")/../.." && pwd)
program=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

texts=("$here"/README.md "$here"/LICENSE "$here"/docs/*.md)
for text in /usr/share/common-licenses/*; do
    [[ -f $text && ! -L $text ]] && texts+=("$text")
done
expected() { cat "$@" | tr 'A-Z' 'a-z' | tr -cs 'a-z' '\n' | sed '/^$/d' | sort | uniq -c | sed 's/^ *//' | sort -k 2; }
check() { diff <("$program" "$@") <(expected "${@:1:files}"); }

files=${#texts[@]}
check "${texts[@]}" "$@"
[[ $(expected "${texts[@]}" | wc -l) -gt 300 ]]
# no words, one word, words of the length of a piece and around it
: >"$folder/empty"
printf '0123 \n' >"$folder/numbers"
printf 'Word' >"$folder/word"
for length in 16383 16384 16385 40000; do
    { head -c "$length" /dev/zero | tr '\0' 'x' && printf ' y Z\nz'; } >"$folder/long$length"
done
files=1
for text in "$folder"/*; do check "$text" "$@"; done

refuses() { # SENTENCE ARGUMENT…
    local message
    if message=$("$program" "${@:2}" 2>&1 >/dev/null); then exit 1; fi
    [[ $message == *"$1"* ]] || { echo "no \"$1\" in: $message" && exit 1; }
}
refuses 'usage: words FILE...'
refuses "$folder/missing: No such file or directory" "$folder/missing"
refuses "$folder: Is a directory" "$folder"
