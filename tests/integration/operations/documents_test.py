#!/usr/bin/env python3
"""Every command and flag in the documents' examples exists: the program's own --help has it."""
import functools
import re
import subprocess

from harness.build import BINARY, SOURCE, clean_environment
from harness.checks import check

DOCUMENTS = ("README.md", "sdk/examples/c/README.md")


@functools.cache
def help_of(*words):
    return subprocess.run([BINARY, *words, "--help"], env=clean_environment(), capture_output=True, text=True, timeout=60)


def examples(document):
    """The command lines in its blocks of code, without comments, each in one line."""
    for block in re.findall(r"^```\w*\n(.*?)^```$", (SOURCE / document).read_text(), re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:^|\s)imgsrv ([a-z].*)", line.split("  #")[0])
            if found:
                yield found[1].split()


def test_examples():
    commands = set(re.findall(r"^  ([a-z]+) {2,}", help_of().stdout, re.M))
    seen = set()
    for document in DOCUMENTS:
        for words in examples(document):
            has_subcommand = words[1:] and re.search(rf"^  {re.escape(words[1])} {{2,}}\w", help_of(words[0]).stdout, re.M)
            path = words[:2] if has_subcommand else words[:1]
            done, line = help_of(*path), " ".join(words)
            check.true(words[0] in commands and done.returncode == 0, f"{document}: {line}")
            for flag in re.findall(r"(?<!\S)\[?(--[a-z0-9-]+)", line):
                check.true(re.search(rf"{flag}[ ,]", done.stdout), f"{document}: {flag} in '{line}'")
            seen.add(" ".join(path))
    check.true({"serve", "publish", "gc", "fsck", "backup", "restore", "storage copy"} <= seen, "the examples were found", seen)


if __name__ == "__main__":
    check.run(test_examples)
    check.finish()
