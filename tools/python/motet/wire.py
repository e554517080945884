# SPDX-License-Identifier: BSL-1.0
"""The bytes that clients and programs exchange (docs/manual/wire.md)."""
import struct

try:
    import numpy
except ImportError:  # arrays come as Array then
    numpy = None


class ProtocolError(Exception):
    """What came is not what a Motet program sends."""


class Array:
    """An array, where NumPy is not installed: the type of its elements, its shape and its bytes."""

    def __init__(self, dtype, shape, content):
        self.dtype, self.shape, self.content = dtype, shape, content

    def __repr__(self):
        return f"Array({self.dtype}, {self.shape})"


class Object:
    """A Python object of the program that does not travel: its type and its repr."""

    def __init__(self, type_name, text):
        self.type_name, self.text = type_name, text

    def __repr__(self):
        return self.text


class Writer:
    def __init__(self):
        self.parts = []

    def put(self, form, *values):
        self.parts.append(struct.pack("<" + form, *values))

    def size(self, n):
        if n < 254:
            self.put("B", n)
        elif n < 1 << 32:
            self.put("BI", 254, n)
        else:
            self.put("BQ", 255, n)

    def text(self, text):
        content = text.encode("utf-8", "surrogateescape")
        self.size(len(content))
        self.parts.append(content)

    def numbers(self, numbers):
        self.size(len(numbers))
        if numbers:  # they begin at a multiple of 8
            self.parts.append(bytes(-sum(map(len, self.parts)) % 8))
        self.put(f"{len(numbers)}q", *numbers)

    def value(self, value):
        """What Reader.value reads. TypeError for what cannot travel."""
        if numpy is not None and isinstance(value, numpy.generic):
            value = value.item()
        if isinstance(value, slice):
            value = (value.start, value.stop, value.step)
        if value is None:
            self.put("BB", 0, 0)
        elif isinstance(value, bool):
            self.put("B?", 1, value)
        elif isinstance(value, int):
            if -1 << 63 <= value < 1 << 63:
                self.put("Bq", 2, value)
            else:
                self.put("B", 11)
                self.text(str(value))
        elif isinstance(value, float):
            self.put("Bd", 3, value)
        elif isinstance(value, complex):
            self.put("Bdd", 4, value.real, value.imag)
        elif isinstance(value, str):
            self.put("B", 5)
            self.text(value)
        elif isinstance(value, (bytes, bytearray)):
            self.put("B", 6)
            self.size(len(value))
            self.parts.append(bytes(value))
        elif isinstance(value, (list, tuple, range, set, frozenset)):
            self.put("B", 8 if isinstance(value, tuple) else 7)
            self.size(len(value))
            for each in value:
                self.value(each)
        elif isinstance(value, dict):
            self.put("B", 9)
            self.size(len(value))
            for key, each in value.items():
                self.value(key)
                self.value(each)
        elif numpy is not None and isinstance(value, numpy.ndarray) and not value.dtype.hasobject:
            self.put("B", 10)
            self.text(repr(value.dtype.descr) if value.dtype.names else value.dtype.str)
            self.numbers(value.shape)
            content = value.tobytes()
            self.size(len(content))
            self.parts.append(content)
        else:
            raise TypeError(f"a {type(value).__name__} cannot be sent to a program")

    def frame(self):
        body = b"".join(self.parts)
        return struct.pack("<Q", len(body)) + body


class Reader:
    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, count):
        if count > len(self.content) - self.at:
            raise ProtocolError("the answer of the program is cut off")
        self.at += count
        return self.content[self.at - count:self.at]

    def get(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def size(self):
        n = self.get("B")
        return self.get("I") if n == 254 else self.get("Q") if n == 255 else n

    def bytes(self):
        return self.take(self.size())

    def text(self):
        return self.bytes().decode("utf-8", "surrogateescape")

    def numbers(self):
        count = self.size()
        if count:
            self.take(-self.at % 8)
        return list(struct.unpack(f"<{count}q", self.take(8 * count)))

    def many(self, read):
        return [read() for _ in range(self.size())]

    def value(self):
        kind = self.size()
        if kind == 0:
            self.get("B")
            return None
        if kind == 1:
            return self.get("?")
        if kind == 2:
            return self.get("q")
        if kind == 3:
            return self.get("d")
        if kind == 4:
            return complex(self.get("d"), self.get("d"))
        if kind == 5:
            return self.text()
        if kind == 6:
            return self.bytes()
        if kind == 7:
            return self.many(self.value)
        if kind == 8:
            return tuple(self.many(self.value))
        if kind == 9:
            pairs = self.many(lambda: (self.value(), self.value()))
            try:
                return dict(pairs)
            except TypeError:  # keys that cannot be keys any more
                return pairs
        if kind == 10:
            return self.array(self.text(), self.numbers(), self.bytes())
        if kind == 11:
            return int(self.text())
        if kind == 12:
            return Object(self.text(), self.text())
        raise ProtocolError(f"a value of the unknown kind {kind}")

    @staticmethod
    def array(dtype, shape, content):
        if numpy is None:
            return Array(dtype, shape, content)
        import ast
        described = ast.literal_eval(dtype) if dtype.startswith("[") else dtype
        return numpy.frombuffer(bytearray(content), numpy.dtype(described)).reshape(shape)
