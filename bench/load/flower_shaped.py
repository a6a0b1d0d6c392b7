#!/usr/bin/python3
"""Rounds as Flower's legacy gRPC stack has them, without Flower, which Debian
does not pack: each client is a process with one bidirectional stream; a round
sends every client the whole model as one message of numpy's own format
(`ndarrays_to_parameters`), takes as large an answer from each, and averages
them in numpy as `aggregate_inplace` does, Flower 1.8's default. Flower's own
code, its protocol buffers and what it stores are left out, so that it can only
be slower. Plain TCP over loopback.

  flower_shaped.py --clients 10 --rounds 5 --parameters 1000000

prints one JSON object: round_ms_median, round_ms_p99, server_cpu_s_per_round,
server_rss_mb (peak).
"""
import argparse
import io
import json
import multiprocessing
import queue
import resource
import statistics
import struct
import sys
import time
from concurrent import futures

import grpc
import numpy

TENSORS = 10
METHOD = "/flower_shaped.Service/Join"
OPTIONS = [("grpc.max_message_length", 1 << 30),
           ("grpc.max_send_message_length", 1 << 30),
           ("grpc.max_receive_message_length", 1 << 30),
           ("grpc.so_reuseport", 0)]


def to_message(arrays):
    blobs = []
    for array in arrays:
        buffer = io.BytesIO()
        numpy.save(buffer, array, allow_pickle=False)
        blobs.append(buffer.getvalue())
    heads = struct.pack(f"<{len(blobs)}Q", *map(len, blobs))
    return heads + b"".join(blobs)


def to_arrays(message):
    lengths = struct.unpack_from(f"<{TENSORS}Q", message)
    at = 8 * TENSORS
    arrays = []
    for length in lengths:
        blob = message[at:at + length]
        arrays.append(numpy.load(io.BytesIO(blob), allow_pickle=False))
        at += length
    return arrays


def aggregate_inplace(answers):
    total = None
    for message in answers:
        arrays = to_arrays(message)
        if total is None:
            total = [x * (1 / len(answers)) for x in arrays]
        else:
            total = [numpy.add(t, (1 / len(answers)) * x, out=t)
                     for t, x in zip(total, arrays)]
    return total


def live(port):
    """A client: what it gets it sends back, in its own message."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)
    answers = queue.SimpleQueue()
    for message in channel.stream_stream(METHOD, None, None)(
            iter(answers.get, None)):
        if not message:
            break
        answers.put(to_message(to_arrays(message)))
    answers.put(None)


class Server(grpc.GenericRpcHandler):
    """A proxy, of two queues, for each connected client."""

    def __init__(self):
        self.proxies = queue.SimpleQueue()

    def service(self, handler_call_details):
        return grpc.stream_stream_rpc_method_handler(self.join, None, None)

    def join(self, requests, _context):
        proxy = (queue.SimpleQueue(), queue.SimpleQueue())
        self.proxies.put(proxy)
        while True:
            message = proxy[0].get()
            yield message
            if not message:
                return
            proxy[1].put(next(requests))


def fit(proxy, message):
    proxy[0].put(message)
    return proxy[1].get()


def run(options):
    server = Server()
    pool = futures.ThreadPoolExecutor(max_workers=options.clients + 2)
    grpc_server = grpc.server(pool, options=OPTIONS)
    grpc_server.add_generic_rpc_handlers((server,))
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    context = multiprocessing.get_context("spawn")
    clients = [context.Process(target=live, args=(port,), daemon=True)
               for _ in range(options.clients)]
    for client in clients:
        client.start()
    proxies = [server.proxies.get(timeout=120) for _ in clients]
    model = [numpy.zeros(options.parameters // TENSORS, numpy.float32)
             for _ in range(TENSORS)]
    milliseconds = []
    cpu = time.process_time()
    with futures.ThreadPoolExecutor(max_workers=len(clients)) as executor:
        for _ in range(options.rounds):
            began = time.perf_counter()
            message = to_message(model)
            answers = list(executor.map(lambda p: fit(p, message), proxies))
            model = aggregate_inplace(answers)
            del answers, message
            milliseconds.append(1e3 * (time.perf_counter() - began))
    cpu = time.process_time() - cpu
    for proxy in proxies:
        proxy[0].put(b"")
    for client in clients:
        client.join(timeout=30)
    grpc_server.stop(None)
    milliseconds.sort()
    return {
        "round_ms_median": statistics.median(milliseconds),
        "round_ms_p99": milliseconds[int(0.99 * (len(milliseconds) - 1))],
        "server_cpu_s_per_round": cpu / options.rounds,
        "server_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                         / 1024,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    print(json.dumps(run(parser.parse_args())))


if __name__ == "__main__":
    sys.exit(main())
