#!/usr/bin/python3
"""Sites train while somebody does to the server what it should bear: floods of
calls, connections and bytes, readers that do not read and writers that do not
write. Each run ends in the model of the run that nobody disturbed, and the
server's memory stays bounded."""
import contextlib
import os
import random
import select
import socket
import ssl
import subprocess
import threading
import time

from federation import Federation, Table, need, wait_for
from half_sent import HalfSender

ROUNDS = 5
WIDTH = 48  # a model of 0.8 MB: what stays with a slow reader
FLOOD_SECONDS = 5  # before the sites come; it goes on while they train
# What the server may hold beyond an undisturbed run: what connections cost.
ALLOWED_MIB = 200
ALLOWED_THREADS = 100
METHODS = ("Join", "Tasks", "FetchModel", "SubmitUpdate", "Decline", "Leave")


class Mallory:
    """A member of the federation that means harm, until `over` is set."""

    def __init__(self, federation):
        self.federation = federation
        self.pem = federation.bundle("mallory") / "identity.pem"
        self.over = threading.Event()

    def tls(self, certificate=True):
        context = ssl.create_default_context(
            cafile=self.federation.work / "ca/ca.pem")
        context.set_alpn_protocols(["h2"])
        if certificate:
            context.load_cert_chain(self.pem)
        return context

    def connect(self):
        return socket.create_connection(("localhost", self.federation.port), 20)

    def channel(self):
        import grpc
        pem = self.pem.read_bytes()
        roots = (self.federation.work / "ca/ca.pem").read_bytes()
        return grpc.secure_channel(
            f"localhost:{self.federation.port}",
            grpc.ssl_channel_credentials(roots, pem, pem),
            # A connection of its own each, and no waiting between them.
            [("grpc.use_local_subchannel_pool", 1)])

    # The attacks; each says what was done.

    def h2load(self, url):
        body = self.federation.work / "message"
        body.write_bytes(b"\0\0\0\0\0")  # an empty message of gRPC
        while not self.over.is_set():
            subprocess.run(
                ["h2load", "-D", "2", "-c", "8", "-m", "100", "-d", body,
                 "-H", "content-type: application/grpc", "-H", "te: trailers",
                 url], capture_output=True, check=False)

    def flood_of_calls(self):
        with Relay(self) as relay:
            self.h2load(
                f"http://localhost:{relay.port}/fedgap.v1.Federation/Leave")
        return "h2load, 8 connections with 100 calls each, without pause"

    def flood_of_handshakes(self):
        count = 0
        address = f"https://localhost:{self.federation.port}/"
        while not self.over.is_set():
            subprocess.run(["h2load", "-n", "200", "-c", "200", address],
                           capture_output=True, check=False)
            count += 200
        return f"{count} connections of h2load without a certificate"

    def slow_readers(self):
        """Models that are asked for and not read."""
        model = self.federation.events("run_started")[0]["initial_model"]
        request = b"\x0a\x20" + bytes.fromhex(model)
        calls = []
        with contextlib.ExitStack() as channels:
            for _ in range(10):
                fetch = channels.enter_context(self.channel()).unary_stream(
                    "/fedgap.v1.Federation/FetchModel")
                calls += [fetch(request) for _ in range(30)]
            self.over.wait()
        return f"{len(calls)} downloads that nobody reads"

    def slow_writers(self):
        """Updates, and questions of reflection, that begin and do not go on."""
        def silence():
            self.over.wait()
            yield from ()

        calls = []
        with contextlib.ExitStack() as channels:
            for _ in range(10):
                submit = channels.enter_context(self.channel()).stream_stream(
                    "/fedgap.v1.Federation/SubmitUpdate")
                reflect = channels.enter_context(self.channel()).stream_stream(
                    "/grpc.reflection.v1alpha.ServerReflection/"
                    "ServerReflectionInfo")
                calls += [call(silence()) for _ in range(10)
                          for call in (submit, reflect)]
            self.over.wait()
        return f"{len(calls)} calls that begin and say nothing"

    def silent_connections(self):
        """Some say nothing, some a byte of a handshake at a time, some nothing
        after the handshake, some a byte of a frame at a time."""
        connections = []
        context = self.tls()
        for i in range(400):
            connection = self.connect()
            if i % 4 >= 2:
                connection = context.wrap_socket(connection,
                                                 server_hostname="localhost")
            if i % 4 == 3:
                connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            connections.append((i, connection))
        while not self.over.wait(0.5):
            for i, connection in connections:
                with contextlib.suppress(OSError):
                    if i % 2 == 1:
                        connection.send(b"\x16" if i % 4 == 1 else b"\0")
        for _, connection in connections:
            connection.close()
        return f"{len(connections)} connections that dawdle"

    def half_sent_messages(self):
        """Of 64 MiB each, and never whole."""
        senders = []

        def send():
            while not self.over.wait(0.1):
                with contextlib.suppress(OSError):
                    sender = HalfSender(self.tls().wrap_socket(
                        self.connect(), server_hostname="localhost"))
                    senders.append(sender)
                    sender.send("/fedgap.v1.Federation/Join", 16, 64 << 20,
                                self.over)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent = sum(sender.sent for sender in senders) >> 20
        return f"{sent} MiB of 64 MiB messages, on {len(senders)} connections"

    def held_sockets(self):
        """More than the server has descriptors, and again those that it
        closes."""
        count = 0
        held = []
        while not self.over.wait(0.2):
            still = []
            for connection in held:
                try:
                    if connection.recv(1):
                        still.append(connection)
                    else:
                        connection.close()
                except BlockingIOError:
                    still.append(connection)
                except OSError:
                    connection.close()
            held = still
            with contextlib.suppress(OSError):
                while len(held) < 700:
                    connection = self.connect()
                    connection.setblocking(False)
                    held.append(connection)
                    count += 1
        for connection in held:
            connection.close()
        return f"{count} connections that are held; 512 descriptors"

    def garbage(self):
        """Bytes that are no messages, in every call; and no HTTP/2."""
        import grpc
        generator = random.Random(7)
        count = 0
        with self.channel() as channel:
            while not self.over.is_set():
                method = f"/fedgap.v1.Federation/{generator.choice(METHODS)}"
                message = generator.randbytes(generator.choice((1, 40, 5000)))
                with contextlib.suppress(grpc.RpcError):
                    list(channel.stream_stream(method)(iter([message]),
                                                       timeout=5))
                with contextlib.suppress(OSError):
                    with self.tls().wrap_socket(
                            self.connect(),
                            server_hostname="localhost") as raw:
                        raw.sendall(generator.randbytes(2000))
                count += 2
        return f"{count} messages and connections of random bytes"


class Relay:
    """A port of this machine behind which the server takes mallory's
    certificate, for tools that show none."""

    def __init__(self, mallory):
        self.mallory = mallory
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                threading.Thread(target=self.pass_on, args=[near],
                                 daemon=True).start()

    def pass_on(self, near):
        with contextlib.suppress(OSError), near:
            with self.mallory.tls().wrap_socket(
                    self.mallory.connect(), server_hostname="localhost") as far:
                far.settimeout(None)
                while True:
                    readable = [far] if far.pending() else select.select(
                        [near, far], [], [])[0]
                    for one in readable:
                        data = one.recv(65536)
                        if not data:
                            return
                        (far if one is near else near).sendall(data)


def train_under(attack, under=()):
    """(model, MiB at the most, threads, refused calls, what mallory did, the
    simulator's model where nobody attacks)"""
    with Federation(ROUNDS, WIDTH) as federation:
        server = federation.start_server("--dashboard", "127.0.0.1:0",
                                         under=under)
        dashboard = wait_for("the dashboard's address", lambda: [
            line.rsplit(":", 1)[1].split("/")[0]
            for line in server.log.read_text().splitlines()
            if "dashboard: http://" in line])[0]
        mallory = Mallory(federation)
        told = ["nothing"]
        thread = threading.Thread(
            target=lambda: told.append(attack(mallory)) if attack else None)
        thread.start()
        try:
            if attack:
                time.sleep(FLOOD_SECONDS)
            federation.start_clients()
            wait_for("the last round but one", lambda: len(
                federation.events("round_committed")) >= ROUNDS - 1)
            peak = server.peak_mib()
            threads = server.status("Threads")
            refused = federation.refused_calls(dashboard, "RESOURCE_EXHAUSTED")
        finally:
            mallory.over.set()
            thread.join()
        return (federation.finish(), peak, threads, refused, told[-1],
                federation.undisturbed_model() if attack is None else None)


def main():
    need(programs=["h2load", "prlimit"], modules=["grpc"])
    table = Table("attack", "done", "refused calls", "server's memory",
                  "threads", "result")
    model, least, threads, _, _, undisturbed = train_under(None)
    table.add("none", "nothing", 0, f"{least:.0f} MiB", threads,
              "the simulator's model", good=model == undisturbed)
    few = ("prlimit", "--nofile=512:512")
    for name, attack, *under in (
            ("a member floods calls", Mallory.flood_of_calls),
            ("anybody floods handshakes", Mallory.flood_of_handshakes),
            ("a member reads slowly", Mallory.slow_readers),
            ("a member writes slowly", Mallory.slow_writers),
            ("connections dawdle", Mallory.silent_connections),
            ("a member begins messages", Mallory.half_sent_messages),
            ("anybody holds sockets", Mallory.held_sockets, few),
            ("a member sends garbage", Mallory.garbage)):
        got, peak, threads, refused, done, _ = train_under(attack, *under)
        good = (got == model and peak < least + ALLOWED_MIB and
                threads < ALLOWED_THREADS and done != "nothing")
        table.add(name, done, refused, f"{peak:.0f} MiB", threads,
                  "the same model" if got == model else "another model",
                  good=good)
    table.end()


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    main()
