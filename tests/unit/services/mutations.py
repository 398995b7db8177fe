#!/usr/bin/env python3
"""Mutation check: would the unit tests of the services notice a fault?

    tests/unit/services/mutations.py [PATTERN...]

Copies the tree to build/mutations, puts one fault of FAULTS at a time into it, builds unit_services and requires that it
fails. A fault whose old text does not stand exactly once in its file fails the check, so that the list follows the code;
so does one that does not compile. PATTERN: only faults whose subject or file contains it. The last line is
"N passed, N failed". Takes about ten seconds a fault; `tests/run.sh mutations` runs it.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[3]
COPY = ROOT / "build" / "mutations"
BUILD = COPY / "build" / "dev"
TEST = BUILD / "tests" / "unit" / "services" / "unit_services"
PARTS = ("CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "config", "host", "migrations", "packaging",
         "plugins", "sdk", "tests")
TEST_SECONDS = 120


class Fault(NamedTuple):
    subject: str
    file: str
    old: str
    new: str


FAULTS = (
    # Uploads.
    Fault("an upload's result is accepted from an earlier attempt", "host/store/uploads/uploads.cpp",
          "\"lease_owner = NULL WHERE id = $1 AND state = 'ingesting' AND lease_owner = $2 AND attempt = $3\"",
          "\"lease_owner = NULL WHERE id = $1 AND state = 'ingesting' AND lease_owner = $2 AND $3 = $3\""),
    Fault("a promotion's lease lasts a moment too long", "host/store/uploads/uploads.cpp",
          "OR (state = 'ingesting' AND lease_expires_us <= $2) ORDER", "OR (state = 'ingesting' AND lease_expires_us < $2) ORDER"),
    Fault("a completed upload can no longer be aborted", "host/store/uploads/uploads.cpp",
          "\"$1 AND state IN ('created', 'uploading', 'completed')\"", "\"$1 AND state IN ('created', 'uploading')\""),
    Fault("wrong bytes become trusted", "host/services/uploads/promotion_service.cpp",
          "if (digest.text() != session.expected_digest) {", "if (digest.text().empty()) {"),
    # Publishing.
    Fault("a step's result is accepted from an earlier attempt", "host/store/publishing/publishing.cpp",
          "lease_owner = $2 AND attempt_count = $3\"", "lease_owner = $2 AND $3 = $3\""),
    Fault("a step's result is accepted from another node", "host/store/publishing/publishing.cpp",
          "AND lease_owner = $2 AND attempt_count = $3\"", "AND $2 = $2 AND attempt_count = $3\""),
    Fault("a step's lease lasts a moment too long", "host/store/publishing/publishing.cpp",
          "(s.state = 'running' AND s.lease_expires_us <= $2)", "(s.state = 'running' AND s.lease_expires_us < $2)"),
    Fault("a retry runs steps again that did not block", "host/store/publishing/publishing.cpp",
          "AND state = 'failed' AND blocking = 1\"", "AND state = 'failed'\""),
    Fault("an aborted step fails its job", "host/services/publishing/step_runner.cpp",
          "code == Code::aborted || code == Code::cancelled;", "code == Code::cancelled;"),
    Fault("a step is tried once too often", "host/services/publishing/step_runner.cpp",
          "claimed.step.attempt_count < kMaxAttempts", "claimed.step.attempt_count <= kMaxAttempts"),
    Fault("an abandoned job leaves its rows", "host/services/publishing/publish_service.cpp",
          "IMGSRV_TRY(store::projections::remove_version(tx, job.version_id));", ""),
    Fault("a document is served past its generation", "host/services/catalogue/document_service.cpp",
          "current && current->generation >= clock_.generation()", "current"),
    # The collector.
    Fault("a blob of an upload under promotion is collected", "host/store/housekeeping/collection.cpp",
          "(s.state IN ('created', 'uploading', 'completed', 'ingesting') OR",
          "(s.state IN ('created', 'uploading', 'completed') OR"),
    Fault("a blob is marked though it is referenced by now", "host/store/housekeeping/collection.cpp",
          "AND b.unreferenced_us IS NULL \"\n                \"AND NOT \" REFERENCED,", "AND b.unreferenced_us IS NULL\","),
    Fault("the grace is a moment too long", "host/store/housekeeping/collection.cpp",
          "\"unreferenced_us <= $1 ORDER BY", "\"unreferenced_us < $1 ORDER BY"),
    Fault("a hold does not keep removals back", "host/store/housekeeping/collection.cpp",
          "\"NOT EXISTS (SELECT 1 FROM removal_holds WHERE until_us > $1) AND", "\"$1 = $1 AND"),
    Fault("an orphan is not looked at again as it is queued", "host/services/housekeeping/collector.cpp",
          "            if (known) return false;\n", "            if (known && false) return false;\n"),
    Fault("a foreign store is taken for the database's", "host/services/housekeeping/collector.cpp",
          "orphans.size() > std::max<std::uint64_t>(named, kFewOrphans)",
          "orphans.size() > std::max<std::uint64_t>(named, kFewOrphans) + 1"),
    # Access.
    Fault("a rejected credential is offered to the next plugin", "host/services/access/access_service.cpp",
          "if (answer.verdict == ports::Authenticator::Verdict::rejected) return refused;",
          "if (answer.verdict == ports::Authenticator::Verdict::rejected) continue;"),
    Fault("a token may be over as it is issued", "host/services/access/access_service.cpp",
          "if (request.expires <= out.token.created)", "if (request.expires < out.token.created)"),
    Fault("a revoked token lets in", "host/store/access/principals.cpp",
          "WHERE t.id = $1 AND t.revoked_us IS NULL\"", "WHERE t.id = $1\""),
    Fault("a disabled rule lets in", "host/store/access/provisioning.cpp",
          "AND r.issuer_url = $2 AND r.enabled = 1 ORDER", "AND r.issuer_url = $2 ORDER"),
    Fault("reconciling takes a grant that was renewed", "host/store/access/provisioning.cpp",
          "AND rule_id = $2 AND seen_us = $3\"", "AND rule_id = $2 AND $3 = $3\""),
    # fsck and the scrubber.
    Fault("fsck marks blobs without --repair", "host/services/housekeeping/fsck.cpp",
          "if (options_.repair) IMGSRV_TRY(record_damage(", "IMGSRV_TRY(record_damage("),
    Fault("fsck resets a version that was published in that moment", "host/services/housekeeping/fsck.cpp",
          "if (std::none_of(stuck.begin(), stuck.end(),", "if (stuck.size() > 1 && std::none_of(stuck.begin(), stuck.end(),"),
    Fault("another store's word marks blobs", "host/services/housekeeping/scrubber.cpp",
          "const domain::Blob& blob, const std::string& damage) {\n    IMGSRV_TRY(identity.check(call).status());",
          "const domain::Blob& blob, const std::string& damage) {\n    static_cast<void>(identity);"),
    # Store identity, copies and leases.
    Fault("any store is taken for an upgraded database's", "host/services/housekeeping/store_identity.cpp",
          "if (!ids.stored) IMGSRV_TRY(require_likeness(call));", ""),
    Fault("a copy keeps an object of another size", "host/services/housekeeping/storage_copy.cpp",
          "    if (there->size != item.size) return false;\n", ""),
    Fault("a lost lease is not given up", "host/services/lease_keeper.cpp",
          "renewed.code() == Code::aborted || Clock::now() >= ends", "Clock::now() >= ends"),
)


def refresh_copy():
    """Makes COPY the same as the tree; files that are the same keep their times, so that they are not built again."""
    wanted = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PARTS], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = {name for name in wanted if name and (ROOT / name).is_file()}
    for old in COPY.rglob("*"):
        if old.is_file() and BUILD not in old.parents and str(old.relative_to(COPY)) not in wanted:
            old.unlink()
    for name in wanted:
        source, target = ROOT / name, COPY / name
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def run(*command, seconds=None):
    """(worked, output)"""
    try:
        done = subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=seconds, check=False)
        return done.returncode == 0, done.stdout
    except subprocess.TimeoutExpired:
        return False, f"it hung for {seconds} s"


def build():
    return run("cmake", "--build", str(BUILD), "--target", "unit_services")


def first_failure(output):
    """The name of the test case that failed: Catch2 writes it under its first line of dashes."""
    lines = output.splitlines()
    for at, line in enumerate(lines[:-1]):
        if line and set(line) == {"-"} and lines[at + 1]:
            return lines[at + 1].strip()
    return output.strip().splitlines()[-1] if output.strip() else "it died"


def try_fault(fault):
    """(caught, what happened)"""
    file = COPY / fault.file
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if text.count(fault.old) != 1:
        return False, f"the text to change stands {text.count(fault.old)} times in the file"
    try:
        file.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
        built, output = build()
        if not built:
            return False, "it does not compile: " + "\n".join(output.splitlines()[-15:])
        passed, output = run(str(TEST), "--abort", seconds=TEST_SECONDS)
        return not passed, "no test noticed" if passed else first_failure(output)
    finally:
        file.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description="Mutation check of the services' unit tests")
    parser.add_argument("pattern", nargs="*", help="only faults whose subject or file contains it")
    arguments = parser.parse_args()
    faults = [f for f in FAULTS if not arguments.pattern or any(p in f.subject or p in f.file for p in arguments.pattern)]
    if not faults:
        sys.exit("no fault matches")

    refresh_copy()
    for step in (lambda: run("cmake", "--preset", "dev"), build, lambda: run(str(TEST), seconds=TEST_SECONDS)):
        worked, output = step()
        if not worked:
            sys.exit("without any fault: " + output[-4000:])

    results = []
    for fault in faults:
        caught, what = try_fault(fault)
        results.append((fault, caught, what))
        print(f"{'caught' if caught else 'MISSED':7} {fault.subject} ({pathlib.PurePath(fault.file).name})\n        {what}", flush=True)
    caught = sum(c for _, c, _ in results)
    print(f"\n{caught} passed, {len(results) - caught} failed")
    return 0 if caught == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
