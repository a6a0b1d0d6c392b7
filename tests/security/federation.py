"""A small federation of the real programs on loopback, over mutual TLS, and
what its tests have in common: bundles of any kind, calls made by hand, tables.

FEDGAP_BIN names the folder of the programs (default: build/release/bin).
"""
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("FEDGAP_BIN", ROOT / "build/release/bin"))
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
SITES = {"a": "12", "b": "14", "c": "16x10"}
DATA = "synthetic:5,90"
PATIENCE = 300  # seconds for what takes a few

CONFIG = """
[run]
name = "siege"
seed = 7
rounds = {rounds}
[model]
name = "gap-cnn-s"
classes = 4
width = {width}
[resolution]
edges = [13]
[training]
batch_size = 16
learning_rate = 0.05
[cohort]
min_clients = 3
quorum = 1.0
deadline_seconds = 0
max_size = {cohort}
"""


def need(*, programs=(), modules=()):
    """Ends the test as skipped, by name, where a tool is not installed."""
    missing = [p for p in programs if shutil.which(p) is None]
    for module in modules:
        try:
            __import__(module)
        except ImportError:
            missing.append(f"python3 module {module}")
    if missing:
        print(f"SKIPPED {pathlib.Path(sys.argv[0]).name}: not installed: "
              f"{', '.join(missing)} (./run install-packages security)")
        sys.exit(SKIPPED)


def run(*words, **options):
    """The output of a program that must succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True,
                          text=True, check=False, **options)
    if done.returncode != 0:
        raise SystemExit(f"{words[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_for(what, answer):
    """What `answer` says once it says something; it is asked until then."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = answer()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"{what}: not within {PATIENCE} s")


class Program:
    """One of the project's programs, its output in a file."""

    def __init__(self, log, *words):
        self.name = log.stem
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen([str(word) for word in words],
                                            stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL)

    def succeed(self):
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = f"not within {PATIENCE} s"
        if code != 0:
            raise SystemExit(f"{self.name} ended with {code}:\n"
                             f"{self.log.read_text()[-4000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def status(self, key):
        """A number of /proc/PID/status."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(l for l in status.splitlines() if l.startswith(key + ":"))
        return int(line.split()[1])

    def peak_mib(self):
        """The most memory that it has held."""
        return self.status("VmHWM") / 1024


class Federation:
    """An authority, three sites and more bundles, in a folder of its own. A
    context manager: at its end no program is left."""

    def __init__(self, rounds=3, width=16):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="fedgap-security-"))
        self.programs = []
        self.port = None
        self.config = self.work / "server.toml"
        self.config.write_text(
            CONFIG.format(rounds=rounds, width=width, cohort=len(SITES)))
        run(BIN / "fedgap", "certs", "init", self.work / "ca", "--federation",
            "test", "--server", "server", "--dns", "localhost")
        for name in [*SITES, "mallory"]:
            self.issue(name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for program in self.programs:
            program.stop()
        shutil.rmtree(self.work)

    def issue(self, name, *options):
        run(BIN / "fedgap", "certs", "issue", self.work / "ca", "--out",
            self.work / "bundles", "--name", name, *options)

    def bundle(self, name):
        return self.work / "bundles" / name

    def start(self, name, *words):
        program = Program(self.work / f"{name}.log", *words)
        self.programs.append(program)
        return program

    def port_in(self, file):
        return int(wait_for("a port in " + file.name,
                            lambda: file.exists() and file.read_text()))

    def start_server(self, *options, under=()):
        """Its port is in `port` then. `under`: the words of a program that
        starts it."""
        server = self.start(
            "server", *under, BIN / "fedgap-server", "--config", self.config, "--certs",
            self.work / "ca/server", "--run-dir", self.work / "run", "--listen",
            "127.0.0.1:0", "--port-file", self.work / "port", *options)
        self.port = self.port_in(self.work / "port")
        return server

    def start_clients(self):
        for part, (name, size) in enumerate(SITES.items(), 1):
            self.start(name, BIN / "fedgap-client", "--server",
                       f"localhost:{self.port}", "--certs", self.bundle(name),
                       "--data", DATA, "--part", f"{part}/{len(SITES)}",
                       "--resolution", size, "--threads", "1", "--state-dir",
                       self.work / f"state-{name}")

    def finish(self):
        """Waits until every program has ended as it should; the model."""
        for program in self.programs[1:] + self.programs[:1]:
            program.succeed()
        return self.model_in("run")

    def model_in(self, run_directory):
        report = self.work / run_directory / "report.json"
        return json.loads(report.read_text())["model_sha256"]

    def undisturbed_model(self):
        """Of the same sites in the simulator."""
        clients = ", ".join(
            f"'{name} part={part}/{len(SITES)} resolution={size}'"
            for part, (name, size) in enumerate(SITES.items(), 1))
        config = self.work / "simulate.toml"
        config.write_text(self.config.read_text() +
                          f"[simulation]\ndata = '{DATA}'\n"
                          f"clients = [{clients}]\n")
        run(BIN / "fedgap", "simulate", "--config", config, "--run-dir",
            self.work / "simulated", "--quiet")
        return self.model_in("simulated")

    def events(self, kind):
        found = []
        for segment in sorted((self.work / "run/events").glob("*.jsonl")):
            for line in segment.read_text().splitlines():
                with contextlib.suppress(ValueError):
                    event = json.loads(line)
                    if event["type"] == kind:
                        found.append(event)
        return found

    def refused_calls(self, dashboard_port, code):
        """How many the server counts."""
        text = urllib.request.urlopen(
            f"http://127.0.0.1:{dashboard_port}/metrics",
            timeout=PATIENCE).read().decode()
        line = next(l for l in text.splitlines() if l.startswith(
            f'fedgap_refused_calls_total{{code="{code}"}}'))
        return int(float(line.split()[-1]))


def crafted_bundle(federation, name, *, uris, days=(-1, 1), usage=None,
                   signed_by="ca"):
    """A certificate that `fedgap certs` would not make, signed with the key of
    an authority's folder (None: with its own); the PEM of key and chain."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuer_key = subject, key
    if signed_by is not None:
        folder = federation.work / signed_by
        issuer = x509.load_pem_x509_certificate(
            (folder / "ca.pem").read_bytes()).subject
        issuer_key = serialization.load_pem_private_key(
            (folder / "ca.key").read_bytes(), None)
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(subject)
               .issuer_name(issuer).public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now + datetime.timedelta(days[0]))
               .not_valid_after(now + datetime.timedelta(days[1]))
               .add_extension(x509.BasicConstraints(False, None), True)
               .add_extension(x509.ExtendedKeyUsage(
                   [usage or ExtendedKeyUsageOID.CLIENT_AUTH]), False))
    if uris:
        builder = builder.add_extension(x509.SubjectAlternativeName(
            [x509.UniformResourceIdentifier(uri) for uri in uris]), False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    return (key.private_bytes(serialization.Encoding.PEM,
                              serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption()) +
            certificate.public_bytes(serialization.Encoding.PEM))


class Table:
    """Rows of what was tried and what came of it; prints as Markdown."""

    def __init__(self, *columns):
        self.columns = columns
        self.rows = []
        self.failures = 0

    def add(self, *cells, good):
        self.rows.append([*cells, "" if good else "**FAILED**"])
        self.failures += not good

    def end(self):
        """Prints the table and ends the program."""
        rows = [[*self.columns, ""], ["---"] * (len(self.columns) + 1),
                *self.rows]
        if self.failures == 0:
            rows = [row[:-1] for row in rows]
        for row in rows:
            print("| " + " | ".join(str(cell) for cell in row) + " |")
        sys.exit(1 if self.failures else 0)
