#!/usr/bin/env python3
"""The walls between the folders, and a few rules of the house.

FOLDERS says for each folder which other folders it may include directly;
LIBRARIES says which folders may include a library's headers. Both are data:
docs/ARCHITECTURE.md carries them as tables (`--table` prints them) and the
check fails when the document has fallen behind. A folder that is not named
here is an error, so that a new one gets its place on purpose.

Usage: layering.py [--root DIR] [--table]
Exits 1 and prints `file:line: rule: message` for each finding.
"""
import argparse
import fnmatch
import pathlib
import re
import subprocess
import sys

# folder -> folders whose headers it may include (its own always); `common/*`
# is every folder below common.
FOLDERS = {
    "common/base": [],
    "common/crypto": ["common/base"],
    "common/tensor": ["common/base"],
    "common/nn/kernels": ["common/base", "common/tensor"],
    "common/nn": ["common/base", "common/tensor", "common/nn/kernels",
                  "common/crypto"],
    "common/data": ["common/base", "common/tensor"],
    "common/federation": ["common/base", "common/crypto", "common/tensor",
                          "common/nn", "common/data"],
    "common/config": ["common/base", "common/tensor", "common/nn",
                      "common/data", "common/federation"],
    "common/usage": ["common/base"],
    "common/telemetry": ["common/base", "common/crypto", "common/tensor",
                         "common/nn", "common/federation"],
    "common/wire": ["common/base", "common/crypto", "common/tensor",
                    "common/nn", "common/federation", "proto"],
    "common/rpc": ["common/base", "common/crypto", "common/tensor",
                   "common/federation", "common/wire", "proto"],
    "dashboard/model": ["common/base", "common/federation", "common/tensor",
                        "common/telemetry"],
    "dashboard/page": ["common/base", "common/crypto"],
    "common/http": ["common/base", "common/crypto"],
    "dashboard/http": ["common/base", "common/crypto", "common/http",
                       "dashboard/model",
                       "dashboard/page"],
    "client/core": ["common/base", "common/crypto", "common/tensor",
                    "common/nn", "common/data", "common/federation",
                    "common/telemetry"],
    "client/store": ["common/base", "common/crypto", "common/tensor",
                     "common/federation", "common/wire", "client/core"],
    "client/rpc": ["common/base", "common/crypto", "common/tensor",
                   "common/nn", "common/federation", "common/telemetry",
                   "common/wire", "common/rpc", "client/core", "proto"],
    "client": ["common/*", "client/*"],
    "server/aggregation": ["common/base", "common/crypto", "common/tensor",
                           "common/federation"],
    "server/core": ["common/base", "common/crypto", "common/tensor",
                    "common/nn", "common/federation", "common/telemetry",
                    "server/aggregation"],
    "server/store": ["common/base", "common/crypto", "common/tensor",
                     "common/nn", "common/federation", "common/telemetry",
                     "server/aggregation", "server/core"],
    "server/evaluation": ["common/base", "common/tensor", "common/nn",
                          "common/data", "common/federation", "server/core"],
    "server/metrics": ["common/base", "common/federation",
                       "common/telemetry"],
    "server/rpc": ["common/base", "common/crypto", "common/tensor",
                   "common/nn", "common/federation", "common/telemetry",
                   "common/wire", "common/rpc", "server/core", "proto"],
    "server": ["common/*", "server/*", "dashboard/*"],
    "sim": ["common/base", "common/crypto", "common/tensor", "common/nn",
            "common/nn/kernels", "common/data", "common/federation", "common/config",
            "common/telemetry", "common/wire", "client/core",
            "server/aggregation", "server/core", "server/store",
            "server/evaluation"],
    "sim/mpi": ["common/base", "server/aggregation", "sim"],
    "enrolment": ["common/base", "common/crypto", "common/http",
                  "common/rpc"],
    "cli": ["enrolment", "common/*", "client/core", "client/rpc", "server/aggregation",
            "server/core", "server/store", "server/evaluation",
            "dashboard/*", "sim", "sim/mpi", "proto"],
    "proto": [],
    "bench": ["common/*", "client/*", "server/*", "sim", "tests"],
    "examples": ["common/*", "client/core", "client/rpc"],
    "tests": ["*"],
}

# library -> (pattern of its headers, folders that may include it, None or the
# file endings that may). tests and bench are free of this.
LIBRARIES = {
    "gRPC": (r"(grpcpp?|grpc\+\+)/|.*\.grpc\.pb\.h$",
             ["client/rpc", "server/rpc", "common/rpc", "client", "server",
              "cli"], None),
    "protobuf": (r"google/protobuf/|.*\.pb\.h$",
                 ["common/wire", "common/rpc", "client/rpc", "server/rpc",
                  "cli"], None),
    "OpenSSL": (r"openssl/", ["common/crypto"], None),
    "xxHash": (r"xxhash\.h$", ["common/crypto", "common/wire", "common/rpc"],
               None),
    "Highway": (r"hwy/", ["common/nn/kernels", "server/aggregation"], None),
    "Eigen": (r"Eigen/", ["common/tensor", "common/nn", "common/data",
                          "server/aggregation", "dashboard/model"], None),
    "SQLite": (r"sqlite3\.h$", ["server/store"], None),
    "spdlog": (r"spdlog/", ["common/telemetry"], None),
    "toml++": (r"toml\+\+/", ["common/config"], None),
    "CLI11": (r"CLI/", ["client", "server", "cli", "common/config",
                        "common/usage"], None),
    "nlohmann-json": (r"nlohmann/", ["common/*", "client*", "server*", "cli",
                                     "sim", "examples", "dashboard/model",
                                     "enrolment"], (".cc",)),
    "simdjson": (r"simdjson", ["common/telemetry"], (".cc",)),
    "MPI": (r"mpi\.h$", ["sim/mpi"], (".cc",)),
    "cpp-httplib": (r"httplib\.h$", ["common/http", "dashboard/http", "enrolment"],
                    (".cc",)),
    "prometheus-cpp": (r"prometheus/", ["server/metrics"], None),
    "libpng": (r"png\.h$", ["common/data"], (".cc",)),
    "libjpeg": (r"jpeglib\.h$", ["common/data"], (".cc",)),
    "zlib": (r"zlib\.h$", ["common/data"], (".cc",)),
}
# Headers that only their own folder (and tests) may include; in return they
# may include what is else for .cc files only.
INTERNAL_HEADERS = ("common/nn/json_reader.h", "dashboard/model/pooled_json.h")
FREE_OF_LIBRARY_RULES = ("tests", "bench")

SOURCE_ENDINGS = (".h", ".cc")
TEXT_ENDINGS = SOURCE_ENDINGS + (".proto", ".py", ".sh", ".cmake", ".txt",
                                 ".md", ".toml", ".json", ".yml")
# Files whose purpose is to break the rules below.
SEEDED = "tests/lint/seeded/"

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
NAMESPACE = re.compile(r"namespace ([\w:]+) \{")
CLASS = re.compile(r"(?:class|struct)\s(?:\w+\([^)]*\) )?(\w+)[^;]*$")
LINE_RULES = [
    ("using-namespace", SOURCE_ENDINGS,
     re.compile(r"^\s*using\s+namespace\b"),
     "name what is used, or qualify it"),
    ("todo", TEXT_ENDINGS, re.compile(r"\b(TODO|FIXME|XXX)\b"),
     "finish it or open an issue"),
    ("whitespace", TEXT_ENDINGS, re.compile(r"[ \t]+$"),
     "trailing white space"),
    ("tab", SOURCE_ENDINGS + (".py", ".proto", ".cmake"), re.compile(r"\t"),
     "tab character"),
    ("machine-path", TEXT_ENDINGS,
     re.compile(r"(?<![\w.$}/-])/(work|tmp/wt|root)/"),
     "a path of one machine"),
]
# The rules' own names stand in the linter.
LINE_RULE_EXEMPT = ("tools/lint/layering.py",)


def folder_of(path):
    """The longest named folder that holds `path`, or None."""
    parts = path.split("/")[:-1]
    for length in range(len(parts), 0, -1):
        folder = "/".join(parts[:length])
        if folder in FOLDERS:
            # A sub-folder of a library folder needs a name of its own.
            nested = length < len(parts)
            return None if nested and folder not in NESTING else folder
    return None


# Folders that hold free sub-folders.
NESTING = ("tests", "bench", "examples", "proto")


def matches(folder, patterns):
    return any(fnmatch.fnmatchcase(folder, pattern) for pattern in patterns)


def check_include(path, number, kind, header, exists):
    folder = folder_of(path)
    if folder is None:
        return
    if folder not in FREE_OF_LIBRARY_RULES:
        yield from check_library(path, number, folder, header)
    if kind != '"':
        return
    target = folder_of(header)
    if target is None:
        if exists(header) or header.split("/")[0] in ("common", "client",
                                                      "server", "cli", "sim",
                                                      "dashboard"):
            yield (number, "folder", f"'{header}' is in a folder that "
                   "tools/lint/layering.py doesn't name")
        return
    if target != folder and not matches(target, FOLDERS[folder]):
        yield (number, "wall", f"{folder} must not include {target} "
               f"('{header}')")
    elif (header in INTERNAL_HEADERS and target != folder and
          folder != "tests"):
        yield (number, "wall", f"'{header}' is internal to {target}")


def check_library(path, number, folder, header):
    for library, (pattern, folders, endings) in LIBRARIES.items():
        if not re.match(pattern, header):
            continue
        if not matches(folder, folders):
            yield (number, "library", f"{library} must not be included in "
                   f"{folder}, only in {', '.join(folders)}")
        elif (endings and not path.endswith(endings) and
              path not in INTERNAL_HEADERS):
            yield (number, "library", f"{library} only in "
                   f"{', '.join(endings)} files, not in headers")


def check_guard(path, lines):
    guard = "FEDGAP_" + re.sub(r"\W", "_", path.upper()) + "_"
    directives = [line.strip() for line in lines
                  if line.startswith("#")][:2]
    if directives != [f"#ifndef {guard}", f"#define {guard}"]:
        yield (1, "guard", f"the include guard must be {guard}")


# Headers that Highway compiles once per instruction set have its own guard.
def has_toggled_guard(text):
    return "HWY_TARGET_TOGGLE" in text


def check_lines(path, lines):
    if path in LINE_RULE_EXEMPT:
        return
    for number, line in enumerate(lines, 1):
        for rule, endings, pattern, message in LINE_RULES:
            if path.endswith(endings) and pattern.search(line):
                yield (number, rule, message)


def check_file(root, path, seeded_as=None):
    """Findings (line, rule, message) of one file, as if it were at
    `seeded_as`."""
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    lines = text.split("\n")
    path = seeded_as or path
    yield from check_lines(path, lines)
    if not path.endswith(SOURCE_ENDINGS):
        return
    if folder_of(path) is None:
        yield (1, "folder", "this folder has no place in "
               "tools/lint/layering.py")
    if path.endswith(".h") and not has_toggled_guard(text):
        yield from check_guard(path, lines)
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if match:
            yield from check_include(path, number, match[1], match[2],
                                     lambda h: (root / h).exists())


def classes_of(text):
    """(line, name) of each class that a header defines at its top level; the
    name begins with the innermost namespace."""
    namespace = ""
    for number, line in enumerate(text.split("\n"), 1):
        if match := NAMESPACE.match(line):
            namespace = match[1]
        elif match := CLASS.match(line):
            yield number, f"{namespace}::{match[1]}"


def check_names(texts):
    """Two classes of one name are one to the linker, which keeps the functions
    of either (the one-definition rule). `texts`: header -> its text."""
    first = {}
    for path, text in texts.items():
        for number, name in classes_of(text):
            other = first.setdefault(name, path)
            if other != path:
                yield (path, number, "one-definition",
                       f"{name} is defined in {other} too")


def tables():
    rows = ["| folder | may include |", "|---|---|"]
    for folder, allowed in FOLDERS.items():
        rows.append(f"| {folder} | {', '.join(allowed) or '-'} |")
    rows += ["", "| library | only in |", "|---|---|"]
    for library, (_, folders, endings) in LIBRARIES.items():
        suffix = f" ({', '.join(endings)} only)" if endings else ""
        rows.append(f"| {library} | {', '.join(folders)}{suffix} |")
    return "\n".join(rows)


def check_document(root):
    document = root / "docs/ARCHITECTURE.md"
    if document.exists() and tables() not in document.read_text():
        yield (1, "document", "the tables of walls differ from "
               "`tools/lint/layering.py --table`; paste its output")


def tracked_files(root):
    output = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=root, check=True, capture_output=True).stdout.decode()
    return sorted(path for path in output.split("\0")
                  if path and (root / path).is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--table", action="store_true",
                        help="print the walls as Markdown tables")
    options = parser.parse_args()
    if options.table:
        print(tables())
        return 0
    findings = [("docs/ARCHITECTURE.md",) + finding
                for finding in check_document(options.root)]
    files = tracked_files(options.root)
    findings += check_names({
        path: (options.root / path).read_text()
        for path in files if path.endswith(".h")})
    for path in files:
        if path.endswith(TEXT_ENDINGS) and not path.startswith(SEEDED):
            findings += [(path,) + finding
                         for finding in check_file(options.root, path)]
    for path, line, rule, message in findings:
        print(f"{path}:{line}: {rule}: {message}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
