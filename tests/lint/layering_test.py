"""Every rule of tools/lint/layering.py finds what it is there to find."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/lint"))
import layering  # noqa: E402


def findings(path, text):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return [rule for _, rule, _ in layering.check_file(root, path)]


class LayeringTest(unittest.TestCase):
    def expect(self, path, text, rules):
        self.assertEqual(findings(path, text), rules, f"{path}: {text!r}")

    def test_accepts_what_the_walls_allow(self):
        for path, text in [
            ("common/tensor/a.cc", '#include "common/base/status.h"\n'),
            ("common/tensor/a.cc", '#include "common/tensor/layout.h"\n'),
            ("server/main.cc", '#include "server/core/coordinator.h"\n'),
            ("tests/server/a.cc", '#include "client/core/trainer.h"\n'),
            ("common/crypto/a.cc", "#include <openssl/evp.h>\n"),
            ("common/wire/a.cc", '#include "fedgap/v1/task.pb.h"\n'),
        ]:
            self.expect(path, text, [])

    def test_refuses_an_include_through_a_wall(self):
        for path, header in [
            ("common/base/a.cc", "common/tensor/layout.h"),
            ("common/nn/a.cc", "server/core/coordinator.h"),
            ("client/core/a.cc", "server/core/coordinator.h"),
            ("server/rpc/a.cc", "client/core/federation_api.h"),
            ("server/aggregation/a.cc", "common/telemetry/events.h"),
            ("server/core/a.cc", "common/wire/convert.h"),
            ("server/core/a.cc", layering.INTERNAL_HEADERS[0]),
        ]:
            self.expect(path, f'#include "{header}"\n', ["wall"])

    def test_refuses_a_library_outside_its_folder(self):
        for path, include in [
            ("server/core/a.cc", "<grpcpp/grpcpp.h>"),
            ("client/core/a.cc", '"fedgap/v1/admin.grpc.pb.h"'),
            ("common/federation/a.cc", "<google/protobuf/message.h>"),
            ("common/nn/a.cc", "<hwy/highway.h>"),
            ("client/core/a.cc", "<openssl/ssl.h>"),
            ("server/core/a.cc", "<sqlite3.h>"),
            ("common/nn/model.h", "<nlohmann/json.hpp>"),
        ]:
            self.assertIn("library", findings(path, f"#include {include}\n"))

    def test_refuses_a_folder_without_a_place(self):
        self.expect("common/misc/a.cc", "", ["folder"])
        self.expect("common/nn/more/a.cc", "", ["folder"])
        self.expect("server/main.cc", '#include "common/misc/a.h"\n',
                    ["folder"])

    def test_refuses_a_wrong_guard(self):
        self.expect("common/base/a.h", "#ifndef A_H\n#define A_H\n#endif\n",
                    ["guard"])
        self.expect("common/base/a.h",
                    "#ifndef FEDGAP_COMMON_BASE_A_H_\n"
                    "#define FEDGAP_COMMON_BASE_A_H_\n#endif\n", [])

    def test_refuses_what_no_line_may_hold(self):
        for text, rule in [("using namespace std;\n", "using-namespace"),
                           ("// TO" "DO: later\n", "todo"),
                           ("int a; \n", "whitespace"),
                           ("\tint a;\n", "tab"),
                           ('auto p = "/wo' 'rk/main";\n', "machine-path")]:
            self.expect("common/base/a.cc", text, [rule])

    def test_refuses_a_second_class_of_a_name(self):
        def text(namespace, line):
            return f"namespace {namespace} {{\n{line}\n}}\n"
        one = text("fedgap", "class A final : public B {")
        for other, found in [
                (text("fedgap", "struct A {"), ["one-definition"]),
                (text("fedgap", "class CAPABILITY(\"mutex\") A {"),
                 ["one-definition"]),
                (text("fedgap", "class A;"), []),
                (text("fedgap", "  class A {"), []),
                (text("fedgap::bench", "class A {"), [])]:
            rules = [rule for _, _, rule, _ in
                     layering.check_names({"a.h": one, "b.h": other})]
            self.assertEqual(rules, found, other)

    def test_each_wall_names_folders_that_exist_in_the_table(self):
        for folder, allowed in layering.FOLDERS.items():
            for pattern in allowed:
                self.assertTrue(
                    any(layering.matches(f, [pattern])
                        for f in layering.FOLDERS), f"{folder}: {pattern}")

    def test_core_walls_have_no_cycle(self):
        walls = {f: a for f, a in layering.FOLDERS.items()
                 if f.startswith(("common/", "client/", "server/"))}
        seen, path = set(), []

        def visit(folder):
            self.assertNotIn(folder, path, f"cycle: {path}")
            if folder in seen:
                return
            path.append(folder)
            for other in walls:
                if layering.matches(other, walls[folder]):
                    visit(other)
            path.pop()
            seen.add(folder)

        for folder in walls:
            visit(folder)


if __name__ == "__main__":
    unittest.main()
