"""Runs one command in a network namespace of its own and reports every address it tried to reach.

    unshare --net [--map-current-user --keep-caps] python tests/real/egress.py REPORT.json COMMAND...

Inside, every address of the world is routed to this machine, a DNS server answers every name, and ports 80 and 443
accept and read, so a program that phones home gets as far as showing where to. A packet sniffer sees every connection
attempt on whatever port, also those of native libraries.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

DECOY = bytes([198, 51, 100, 7])  # TEST-NET-2 (RFC 5737): nobody's address


def nameservers() -> list[str]:
    lines = Path("/etc/resolv.conf").read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("nameserver")] or ["127.0.0.1"]


class Sink:
    """What was tried: connection attempts (address, port), names asked for, and first bytes sent to web ports."""

    def __init__(self) -> None:
        self.attempts: set[tuple[str, int, str]] = set()
        self.names: set[str] = set()
        self.sent: list[str] = []
        self._ready = [threading.Event() for _ in range(4)]

    def start(self) -> None:
        jobs = [self.sniff, lambda ready: self.answer_names(nameservers()[0], ready)]
        jobs += [lambda ready, port=port: self.accept(port, ready) for port in (80, 443)]
        for job, ready in zip(jobs, self._ready, strict=True):
            threading.Thread(target=job, args=(ready,), daemon=True).start()
        for ready in self._ready:
            assert ready.wait(5)

    def sniff(self, ready: threading.Event) -> None:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        raw.bind(("lo", 0))
        ready.set()
        while True:
            packet = raw.recv(200)[14:]
            if packet[0] >> 4 == 4:
                protocol, head, target = packet[9], (packet[0] & 15) * 4, str(ipaddress.ip_address(packet[16:20]))
            elif packet[0] >> 4 == 6:
                protocol, head, target = packet[6], 40, str(ipaddress.ip_address(packet[24:40]))
            else:
                continue
            body = packet[head:]
            if protocol == 6 and body[13] & 0x12 == 0x02:  # SYN without ACK
                self.attempts.add((target, struct.unpack(">H", body[2:4])[0], "tcp"))
            elif protocol == 17:
                port = struct.unpack(">H", body[2:4])[0]
                if struct.unpack(">H", body[0:2])[0] != 53:  # answers of our own DNS server
                    self.attempts.add((target, port, "udp"))

    def answer_names(self, address: str, ready: threading.Event) -> None:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, 53))
        ready.set()
        while True:
            query, client = server.recvfrom(2048)
            labels, position = [], 12
            while length := query[position]:
                labels.append(query[position + 1 : position + 1 + length].decode(errors="replace"))
                position += length + 1
            question = query[12 : position + 5]
            self.names.add(".".join(labels))
            wants_v4 = question[-4:-2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + DECOY if wants_v4 else b""
            counts = struct.pack(">HHHH", 1, int(wants_v4), 0, 0)
            server.sendto(query[:2] + b"\x81\x80" + counts + question + answer, client)

    def accept(self, port: int, ready: threading.Event) -> None:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", port))
        server.listen(16)
        ready.set()
        while True:
            client, _ = server.accept()
            client.settimeout(3)
            try:
                self.sent.append(repr(client.recv(400)))
            except OSError as error:
                self.sent.append(repr(error))
            client.close()


def main() -> int:
    report, command = Path(sys.argv[1]), sys.argv[2:]
    for line in (
        "ip link set lo up",
        "ip route add local default dev lo",
        "ip -6 route add local ::/0 dev lo",
    ):
        subprocess.run(line.split(), check=line.startswith("ip link") or "-6" not in line)
    sink = Sink()
    sink.start()
    # `CI` quiets some libraries' telemetry; what is tested is a laptop, where nobody sets it.
    quiet = {"CI", "DO_NOT_TRACK", "ORT_DISABLE_TELEMETRY", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST"}
    environment = {key: value for key, value in os.environ.items() if key not in quiet}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    report.write_text(
        json.dumps(
            {
                "exit": done.returncode,
                "stdout": done.stdout,
                "stderr": done.stderr[-4000:],
                "attempts": sorted(sink.attempts),
                "names": sorted(sink.names),
                "sent": sink.sent,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
