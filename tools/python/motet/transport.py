# SPDX-License-Identifier: BSL-1.0
"""How a client reaches a program: the Unix socket of this machine, TCP with a key, or another host by ssh."""
import base64
import hmac
import os
import re
import shlex
import socket
import stat
import struct
import subprocess


class Refused(Exception):
    """The other side is not who it should be, or does not take this client."""


def key_of(path):
    """Name and key of a file with lines NAME CAPABILITIES KEY (the first line counts). It must be this user's alone."""
    with open(path, encoding="utf-8", errors="replace") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise Refused(f"{path} is not a file of this user alone: chmod 600 it")
        for line in file:
            words = line.split("#")[0].split()
            if words:
                if len(words) != 3 or not re.fullmatch("[0-9a-fA-F]{64}", words[2]):
                    raise Refused(f"{path}: a line is NAME CAPABILITIES KEY, a key 64 hexadecimal digits")
                return words[0], bytes.fromhex(words[2])
    raise Refused(f"there is no key in {path}")


class Keyed:
    """A connection over TCP on which every frame is signed (include/motet/service/secret.hpp)."""

    def __init__(self, host, port, key_file):
        name, key = key_of(key_file)
        self._socket = socket.create_connection((host, port), timeout=20)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        greeting = self._take(40)
        if greeting[:8] != b"motet 1\n":
            raise Refused(f"{host} port {port} is no Motet program that takes scripts from a client of this version")
        own = os.urandom(32)
        self._key = self._digest(key, b"motet scripts 1" + greeting[8:] + own)
        self._sent = self._taken = 0
        content = own + name.encode()
        self.sendall(struct.pack("<Q", len(content)) + content)
        self._socket.settimeout(None)

    @staticmethod
    def _digest(key, content):
        return hmac.new(key, content, "sha256").digest()

    def _take(self, count):
        while len(self._buffer) < count:
            part = self._socket.recv(1 << 20)
            if not part:
                raise Refused("the program has closed the connection: has it ended, or is this another key?")
            self._buffer += part
        part = bytes(self._buffer[:count])
        del self._buffer[:count]
        return part

    def sendall(self, frame):
        signature = self._digest(self._key, struct.pack("<BQ", 0, self._sent) + frame)
        self._sent += 1
        self._socket.sendall(frame + signature)

    def recv(self, _):
        head = self._take(8)
        content = self._take(struct.unpack("<Q", head)[0])
        wanted = self._digest(self._key, struct.pack("<BQ", 1, self._taken) + head + content)
        self._taken += 1
        if not hmac.compare_digest(wanted, self._take(32)):
            raise Refused("an answer is not from the program that knows the key")
        return head + content

    def close(self):
        self._socket.close()


# Runs on the other host: finds the socket, and passes bytes on. Its first line says which one it found, or why not.
RELAY = r"""
import os, socket, stat, sys, threading
uid, found = os.geteuid(), {}
for folder in (os.environ.get("XDG_RUNTIME_DIR", "/nowhere") + "/motet", f"/tmp/motet-{uid}"):
    try: s = os.lstat(folder)
    except OSError: continue
    if not stat.S_ISDIR(s.st_mode) or s.st_uid != uid or s.st_mode & 0o077: continue
    for name in sorted(os.listdir(folder)):
        if name[0] == "." or not stat.S_ISSOCK(os.lstat(folder + "/" + name).st_mode): continue
        probe = socket.socket(socket.AF_UNIX)
        try: probe.connect(folder + "/" + name)
        except OSError: continue
        found.setdefault(name, probe)
def say(text):
    os.write(1, text.encode() + b"\n")
wanted = sys.argv[1]
if wanted == "--list": say(" ".join(found)); sys.exit()
fitting = [name for name in found if wanted in ("", name, name.rpartition(".")[0])]
if len(fitting) != 1: say("! " + (", ".join(fitting) + ": which?" if fitting else "no such program runs with --motet-script; running: " + ", ".join(found))); sys.exit()
say(fitting[0])
program = found[fitting[0]]
def inward():
    while part := os.read(0, 65536): program.sendall(part)
    os._exit(0)
threading.Thread(target=inward, daemon=True).start()
while part := program.recv(65536):
    while part: part = part[os.write(1, part):]
"""


def _command(via, source, *arguments):
    """Has the Python of another host run source."""
    code = f"import base64; exec(base64.b64decode('{base64.b64encode(source.encode()).decode()}'))"
    return [*via, " ".join(["python3 -c", *map(shlex.quote, [code, *arguments])])]


class Via:
    """A connection through a command that runs a shell command on another host: ("ssh", "host")."""

    def __init__(self, via, name):
        self._process = subprocess.Popen(_command(via, RELAY, name or ""), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         bufsize=0, start_new_session=True)
        self.name = self._process.stdout.readline().decode().strip()
        if not self.name or self.name.startswith("!"):
            self.close()
            raise Refused(f"by way of {' '.join(via)}: {self.name[2:] or 'no connection'}")

    def sendall(self, content):
        rest = memoryview(content)
        while rest:
            rest = rest[self._process.stdin.write(rest):]

    def recv(self, count):
        return self._process.stdout.read(count)

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.terminate()
        self._process.wait()


def output_via(via, source, *arguments, timeout=None):
    """What that prints there."""
    done = subprocess.run(_command(via, source, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          timeout=timeout)
    if done.returncode != 0:
        raise Refused(f"{' '.join(via)} has failed")
    return done.stdout.decode(errors="replace")


def programs_via(via):
    return output_via(via, RELAY, "--list", timeout=60).split()
