#!/usr/bin/env python3
"""Prints "PASSED FAILED", the test cases in a JUnit report of ctest.

One ctest test is a program with many cases. They are read from the summary that it prints: Catch2's, the conformance kit's,
or a line "N passed, N failed". A program without a summary counts as one case. One that failed counts at least one failure,
so that a crash after the last case is seen.
"""
import re
import sys
import xml.etree.ElementTree as ET


def cases(output):
    """(passed, failed) by the program's own summary, or None."""
    m = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.M)
    if m:
        return int(m[-1][0]), int(m[-1][1])
    m = re.findall(r"^(\d+) passed, (\d+) failed, \d+ not offered$", output, re.M)  # one for each plugin that a test checks
    if m:
        return sum(int(passed) for passed, _ in m), sum(int(failed) for _, failed in m)
    m = re.search(r"^All tests passed \(.* in (\d+) test cases?\)", output, re.M)
    if m:
        return int(m[1]), 0
    m = re.search(r"^test cases:\s*(\d+)(.*)$", output, re.M)
    if m:
        failed = re.search(r"(\d+) failed", m[2])
        failed = int(failed[1]) if failed else 0
        return int(m[1]) - failed, failed
    return None


def count(path):
    """(passed, failed) of the report."""
    passed = failed = 0
    for test in ET.parse(path).getroot().iter("testcase"):
        good = test.get("status") == "run" and test.find("failure") is None
        p, f = cases(test.findtext("system-out") or "") or ((1, 0) if good else (0, 1))
        if not good and f == 0:
            f = 1
        passed += p
        failed += f
    return passed, failed


if __name__ == "__main__":
    print(*count(sys.argv[1]))
