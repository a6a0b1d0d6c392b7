"""A client of HTTP/2 by hand that begins messages of gRPC and never ends them,
as fast as the server's windows let it."""
import select
import ssl
import struct

DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 4, 6, 8
END_HEADERS, ACK = 4, 1
INITIAL_WINDOW_SIZE = 4
FRAME = 16384


def frame(kind, flags, stream, payload):
    return (struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) +
            struct.pack(">I", stream) + payload)


def headers(path):
    """A list without compression."""
    fields = ((":method", "POST"), (":scheme", "https"), (":path", path),
              (":authority", "localhost"),
              ("content-type", "application/grpc"), ("te", "trailers"))
    return b"".join(b"\0" + bytes([len(name)]) + name.encode() +
                    bytes([len(value)]) + value.encode()
                    for name, value in fields)


class HalfSender:
    """Over a connection that is there; it is closed at the end."""

    def __init__(self, connection):
        self.connection = connection
        self.window = 65535  # of the connection
        self.initial = 65535  # of a stream
        self.windows = {}
        self.buffer = b""
        self.sent = 0
        connection.settimeout(None)
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                           frame(SETTINGS, 0, 0, b""))

    def send(self, path, streams, length, over):
        """Begins so many calls with messages of so many bytes. Returns when
        the server has closed the connection, or when it is over."""
        try:
            for i in range(streams):
                stream = 2 * i + 1
                self.windows[stream] = self.initial
                self.connection.sendall(
                    frame(HEADERS, END_HEADERS, stream, headers(path)))
                self.push(stream, b"\0" + struct.pack(">I", length))
            while not over.is_set():
                busy = [s for s, size in self.windows.items()
                        if min(size, self.window) > 0]
                if not self.receive(0 if busy else 0.2):
                    return
                for stream in busy:
                    self.push(stream, b"a" * FRAME)
        except (OSError, ssl.SSLError):
            pass
        finally:
            self.connection.close()

    def push(self, stream, payload):
        """As much of it as the windows allow."""
        room = min(self.window, self.windows.get(stream, 0))
        payload = payload[:max(room, 0)]
        if not payload:
            return
        self.connection.sendall(frame(DATA, 0, stream, payload))
        self.window -= len(payload)
        self.windows[stream] -= len(payload)
        self.sent += len(payload)

    def receive(self, patience):
        """False: the connection is closed."""
        while self.connection.pending() or select.select(
                [self.connection], [], [], patience)[0]:
            patience = 0
            data = self.connection.recv(65536)
            if not data:
                return False
            self.buffer += data
            while len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + length:
                    break
                kind, flags = self.buffer[3], self.buffer[4]
                stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
                self.take(kind, flags, stream, self.buffer[9:9 + length])
                self.buffer = self.buffer[9 + length:]
        return True

    def take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for i in range(0, len(payload), 6):
                key, value = struct.unpack(">HI", payload[i:i + 6])
                if key == INITIAL_WINDOW_SIZE:
                    for each in self.windows:
                        self.windows[each] += value - self.initial
                    self.initial = value
            self.connection.sendall(frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            self.connection.sendall(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            size = int.from_bytes(payload, "big")
            if stream == 0:
                self.window += size
            elif stream in self.windows:
                self.windows[stream] += size
        elif kind in (HEADERS, 3):  # the server's answer, or its refusal
            self.windows.pop(stream, None)
