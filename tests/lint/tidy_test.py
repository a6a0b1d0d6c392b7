"""The configuration of clang-tidy finds each seeded violation."""
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEEDED = "tests/lint/seeded/violations.cc"
sys.path.insert(0, str(ROOT / "tools/lint"))
import tidy  # noqa: E402


class TidyTest(unittest.TestCase):
    def test_finds_each_seeded_violation_on_its_line(self):
        output = subprocess.run(
            [tidy.CLANG_TIDY, *tidy.EXTRA, SEEDED, "--", "-std=c++20",
             "-I."], cwd=ROOT, capture_output=True, text=True).stdout
        found = {(int(line), check) for line, check in re.findall(
            r"violations\.cc:(\d+):\d+: error: .*\[([\w-]+)", output)}
        for number, line in enumerate(
                (ROOT / SEEDED).read_text().splitlines(), 1):
            expected = re.search(r"  // ((?:\w+-)+\w+)$", line)
            if expected:
                self.assertTrue(
                    any(n == number and c.startswith(expected[1])
                        for n, c in found), f"{number}: {line}\n{output}")


if __name__ == "__main__":
    unittest.main()
