#!/usr/bin/env python3
"""Refuses comments and documents that cite what is not in this tree: a file or folder that does not exist, or one outside.

Reads every tracked text. In sources it looks at comments and docstrings only, and in CMake files also for paths that leave the
tree. A citation may leave out leading folders: "harness/pair.py" is found as tests/harness/pair.py. And refuses names of classes and
functions in host/README.md that no source of the host has.
"""
import pathlib
import re
import subprocess
import sys
import tokenize

ROOT = pathlib.Path(__file__).resolve().parent.parent
# How a comment begins.
COMMENT = dict.fromkeys((".h", ".hpp", ".c", ".cpp"), r"(?:^|\s)//|(?:^|\s)/\*|^ \* ")
COMMENT |= dict.fromkeys((".sh", ".cmake", ".txt", ".toml", ".yaml", ".service"), r"(?:^|\s)#")
COMMENT[".sql"] = r"(?:^|\s)--"
TOP = "host|sdk|plugins|migrations|config|tests|packaging"
CITED = (
    re.compile(r"(?<![\w/.*+-])(?:[\w.+-]+/)*[\w+-]+\.(?:md|h|hpp|c|cpp|py|sh|sql|toml|yaml|yml|cmake|service)(?![\w*+/-]|\.\w)"),
    re.compile(rf"(?<![\w/.-])(?:{TOP})/[\w./+-]*\w/?(?![\w*<{{(])"),
)
OUTSIDE = re.compile(r"(?<![\w.])\.\./[\w./-]+|\b(?:PROJECT|CMAKE)_SOURCE_DIR\}/\.\.[\w./-]*")
# Names of files that readers make, and patterns of names.
ELSEWHERE = re.compile(r"metadata\.yaml|NNNN_name\.sql")


def comments(path, text):
    """(line number, comment) of a source."""
    if path.suffix == ".py":
        with tokenize.open(path) as file:
            for token in tokenize.generate_tokens(file.readline):
                if token.type == tokenize.COMMENT or token.string.startswith(('"""', 'r"""')):
                    yield token.start[0], token.string
        return
    mark = COMMENT.get(path.suffix)
    if mark:
        for number, line in enumerate(text.splitlines(), 1):
            at = re.search(mark, line)
            if at and not line.startswith("#!"):
                yield number, line[at.start():]


def citations(path, text):
    parts = [(1, text)] if path.suffix == ".md" else comments(path, text)
    for number, part in parts:
        part = re.sub(r"\w+://\S+", lambda m: " " * len(m[0]), part)
        for pattern in CITED:
            for found in pattern.finditer(part):
                yield number + part.count("\n", 0, found.start()), found[0]


def missing_names(document, sources):
    """(line number, name) of what a document names in backquotes, as Class or space::function, and no source has."""
    words = set()
    for source in sources:
        words.update(re.findall(r"\w+", source.read_text()))
    for number, line in enumerate(document.read_text().splitlines(), 1):
        for name in re.findall(r"`((?:\w+::)+\w+|[A-Z][a-z]+(?:[A-Z][a-z]+)+)`", line):
            if not words.issuperset(name.split("::")):
                yield number, name


def main():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    known = set()  # every suffix of a path that begins at a folder's name
    for name in tracked:
        parts = name.split("/")
        for end in range(1, len(parts) + 1):
            known.update("/".join(parts[begin:end]) for begin in range(end))
    wrong = []
    for name in tracked:
        path = ROOT / name
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, cited in citations(path, text):
            if cited.strip("./") not in known and not ELSEWHERE.fullmatch(cited.split("/")[-1]):
                wrong.append(f"{name}:{number}: there is no {cited}")
        if path.suffix in (".md", ".cmake") or path.name == "CMakeLists.txt":
            for found in OUTSIDE.finditer(text):
                relative = found[0].split("}/")[-1]
                base = ROOT if "}" in found[0] else path.parent
                if not (base / relative).resolve().is_relative_to(ROOT):
                    wrong.append(f"{name}:{1 + text.count(chr(10), 0, found.start())}: {found[0]} is outside of the tree")
    sources = [ROOT / name for name in tracked if re.fullmatch(r"host/.*\.(h|cpp)", name)]
    wrong += [f"host/README.md:{number}: no source of the host has {name}"
              for number, name in missing_names(ROOT / "host/README.md", sources)]
    print("\n".join(sorted(set(wrong))))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
