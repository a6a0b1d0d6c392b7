#!/usr/bin/env python3
"""Reads a TensorBoard event file without TensorBoard, as an oracle of ours.

Checks the CRC-32C of each TFRecord, walks the protobuf wire format of
tensorflow.Event, and prints `step<TAB>wall_time<TAB>tag<TAB>value` for each
scalar. Exits 1 and says where, if anything is not as it should be.

Usage: read_event_file.py FILE
"""
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, length_crc = struct.unpack_from("<QI", data, at)
        if masked(data[at:at + 8]) != length_crc:
            sys.exit(f"byte {at}: the length's checksum is wrong")
        record = data[at + 12:at + 12 + length]
        record_crc, = struct.unpack_from("<I", data, at + 12 + length)
        if masked(record) != record_crc:
            sys.exit(f"byte {at}: the record's checksum is wrong")
        yield record
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
        shift += 7


def fields(message):
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(message, at)
        elif kind == 1:
            value, at = struct.unpack_from("<d", message, at)[0], at + 8
        elif kind == 2:
            length, at = varint(message, at)
            value, at = message[at:at + length], at + length
        elif kind == 5:
            value, at = struct.unpack_from("<f", message, at)[0], at + 4
        else:
            sys.exit(f"wire type {kind}")
        yield tag >> 3, value


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    for number, record in enumerate(records(data)):
        event = dict(fields(record))
        if number == 0:
            if event.get(3) != b"brain.Event:2":
                sys.exit("the first record is no file version")
            continue
        for _, value in fields(event[5]):
            scalar = dict(fields(value))
            print(event[2], repr(event[1]), scalar[1].decode(),
                  f"{scalar[2]:.9g}", sep="\t")


if __name__ == "__main__":
    main()
