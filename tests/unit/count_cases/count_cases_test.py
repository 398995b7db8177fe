#!/usr/bin/env python3
"""tests/count_cases.py counts what each kind of test program prints.

    count_cases_test.py CONFORMANCE PLUGIN CONFIG    the conformance kit, and what to run it on
"""
import pathlib
import re
import subprocess
import sys
import tempfile
from xml.sax.saxutils import escape

import count_cases
from harness.checks import check

KIT = "pass  P1   a name\nn/a   P2   another\n             why\n"


def counted(*tests):
    """(passed, failed) of a report on tests, each given as (good, output)."""
    report = "".join(f'<testcase name="t" status="{"run" if good else "fail"}">{"" if good else "<failure/>"}'
                     f"<system-out>{escape(output)}</system-out></testcase>" for good, output in tests)
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(f"<testsuite>{report}</testsuite>")
        file.flush()
        return count_cases.count(file.name)


def test_summaries():
    for output, wanted, what in (
            ("All tests passed (70 assertions in 1 test case)\n", (1, 0), "Catch2, one case"),
            ("All tests passed (70 assertions in 12 test cases)\n", (12, 0), "Catch2"),
            ("test cases:  12 |  9 passed | 3 failed\nassertions: 70 | 60 passed | 10 failed\n", (9, 3), "Catch2 with failures"),
            ("[ 1.0 s] 3 passed, 1 failed so far\n17 passed, 2 failed\n", (17, 2), "the harness"),
            (KIT + "21 passed, 3 failed, 4 not offered\n", (21, 3), "the conformance kit"),
            (KIT + "21 passed, 0 failed, 4 not offered\n" + KIT + "5 passed, 1 failed, 0 not offered\n", (26, 1), "the kit run twice")):
        check.equal(counted((wanted[1] == 0, output)), wanted, what)


def test_without_a_summary():
    check.equal(counted((True, "")), (1, 0), "a program that prints nothing")
    check.equal(counted((True, "it went well\n")), (1, 0), "one that prints something else")
    check.equal(counted((False, "")), (0, 1), "one that fails")


def test_ends_after_its_summary():
    for output, passed in (("All tests passed (1 assertion in 2 test cases)\n", 2), ("3 passed, 0 failed\n", 3),
                           ("4 passed, 0 failed, 1 not offered\n", 4)):
        check.equal(counted((False, output)), (passed, 1), f"a failure that {output.strip()!r} does not tell")
    check.equal(counted((True, "3 passed, 0 failed\n"), (True, ""), (False, "1 passed, 2 failed\n")), (5, 2), "several tests")


def test_the_kit_itself():
    kit, plugin, config = sys.argv[1:]
    done = subprocess.run([kit, plugin, config], capture_output=True, text=True)
    passed = len(re.findall(r"^pass  ", done.stdout, re.M))
    check.true(done.returncode == 0 and passed > 1, "the suite passes", done.stdout + done.stderr)
    check.equal(counted((True, done.stdout)), (passed, 0), "each check of the suite is a case")


def main():
    for test in (test_summaries, test_without_a_summary, test_ends_after_its_summary, test_the_kit_itself):
        check.run(test)
    printed = subprocess.run([sys.executable, pathlib.Path(count_cases.__file__), "/dev/stdin"], input="<testsuite/>",
                             capture_output=True, text=True)
    check.equal(printed.stdout, "0 0\n", "what tests/run.sh reads")
    check.finish()


if __name__ == "__main__":
    main()
