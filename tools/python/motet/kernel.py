# SPDX-License-Identifier: BSL-1.0
"""A running program as a Jupyter kernel (motet kernel install): the protocol of docs/manual/python_users.md's notebooks,
on jupyter_client's session and pyzmq.

The kernel is a process of its own that is connected to the program. It ends with its notebook, the program goes on, and
so do the variables, which the next kernel of the same session finds. What cells print while no client listens is kept,
and sent to the first who does."""
import base64
import collections
import importlib.util
import json
import os
import pathlib
import re
import sys
import threading
import time

import motet
from .session import Session, is_complete

MISSED = 10000  # messages that are kept while nobody listens
PORT_TAKEN = 69  # the status of a kernel that cannot have the ports which Jupyter chose for it


def install(name="motet", program=None, prefix=None, session="notebook"):
    """Writes the kernelspec; gives its folder. `program`: the one that it connects to; None: the only one that runs.
    The kernel runs in the Python that calls this."""
    missing = [each for each in ("jupyter_client", "zmq") if importlib.util.find_spec(each) is None]
    if missing:
        raise motet.Error(f"the kernel needs jupyter_client and pyzmq, and {sys.executable} does not find "
                          f"{' and '.join(missing)}: install them there, or call this with a Python that has them "
                          "(Debian: python3-jupyter-client, /usr/bin/python3 tools/motet kernel install)")
    if prefix:
        data = pathlib.Path(prefix) / "share" / "jupyter"
    else:
        data = pathlib.Path(os.environ.get("JUPYTER_DATA_DIR") or
                            pathlib.Path(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")) / "jupyter")
    folder = data / "kernels" / name
    argv = [sys.executable, "-m", "motet", "kernel", "run", "-f", "{connection_file}", "--session", session]
    spec = {"argv": argv + (["--program", program] if program else []),
            "display_name": f"Motet: {program or 'a running program'}", "language": "python",
            "interrupt_mode": "message", "env": {}, "metadata": {"debugger": False}}
    home = pathlib.Path(motet.__file__).resolve().parent.parent
    if not any(part.endswith("-packages") for part in home.parts):  # from the repository, not installed
        spec["env"]["PYTHONPATH"] = str(home)
    spec["env"].update({each: os.environ[each] for each in ("MOTET_VIA", "MOTET_KEY") if os.environ.get(each)})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec, indent=1) + "\n", encoding="utf-8")
    return folder


def as_message(data):
    """Representations as the protocol wants them: bytes in base64."""
    return {mime: base64.b64encode(each).decode() if isinstance(each, bytes) else each for mime, each in data.items()}


class Kernel:
    def __init__(self, connection, program=None, session="notebook"):
        import zmq
        from jupyter_client.session import Session as Wire
        self.zmq = zmq
        self.wanted, self.session_name = program, session
        self.cells = None
        self.cell = None  # a token while one runs, for interrupts
        self.count = 0
        key = connection["key"].encode()
        self.wire = Wire(key=key, signature_scheme=connection["signature_scheme"], username="motet")
        self.context = zmq.Context()
        self.shell, self.control, self.stdin, self.heart, self.public = (
            self._bind(kind, connection, port) for kind, port in
            ((zmq.ROUTER, "shell_port"), (zmq.ROUTER, "control_port"), (zmq.ROUTER, "stdin_port"), (zmq.REP, "hb_port"),
             (zmq.XPUB, "iopub_port")))
        self.public.setsockopt(zmq.XPUB_VERBOSE, 1)
        self.sending = threading.Lock()  # of `public`, and of the wire
        self.subscribers = 0
        self.missed = collections.deque(maxlen=MISSED)
        self.ended = threading.Event()

    def _bind(self, kind, connection, port):
        socket = self.context.socket(kind)
        socket.linger = 1000
        if kind == self.zmq.ROUTER:  # a client that comes back, before it is known that it went, is the same one
            socket.setsockopt(self.zmq.ROUTER_HANDOVER, 1)
        transport, ip = connection["transport"], connection["ip"]
        socket.bind(f"{transport}://{ip}:{connection[port]}" if transport == "tcp" else
                    f"{transport}://{ip}-{connection[port]}")
        return socket

    def run(self):
        """Until a client says shutdown."""
        threads = [threading.Thread(target=each, daemon=True)
                   for each in (self._beat, self._hear_subscribers, lambda: self._serve(self.control))]
        for each in threads:
            each.start()
        self.publish("status", {"execution_state": "starting"}, {})
        self._serve(self.shell)
        for each in threads[1:]:
            each.join(2)
        if self.cells:
            self.cells.close()
        for each in (self.shell, self.control, self.stdin, self.public):
            each.close()

    def _beat(self):
        parent = os.getppid() if "JPY_PARENT_PID" in os.environ else 0
        while not self.ended.is_set():
            if self.heart.poll(200):
                self.heart.send(self.heart.recv())
            if parent not in (0, os.getppid()):  # Jupyter has died
                self.ended.set()
        self.heart.close()

    # What is published.

    def _hear_subscribers(self):
        while not self.ended.wait(0.05):
            with self.sending:
                self._take_subscriptions()

    def _take_subscriptions(self):
        while True:
            try:
                said = self.public.recv(self.zmq.NOBLOCK)
            except self.zmq.Again:
                return
            if said[:1] == b"\x01":
                self.subscribers += 1
                while self.missed:
                    self.wire.send(self.public, **self.missed.popleft())
            elif said[:1] == b"\x00":  # said by the last one only
                self.subscribers = 0

    def publish(self, kind, content, parent):
        """To all clients; if there are none, to the first that comes."""
        with self.sending:
            self._take_subscriptions()
            message = {"msg_or_type": kind, "content": content, "parent": parent, "ident": kind.encode()}
            if self.subscribers:
                self.wire.send(self.public, **message)
            elif kind != "status":
                self.missed.append(message)

    # Requests.

    def _serve(self, socket):
        while not self.ended.is_set():
            if not socket.poll(100):
                continue
            received = self._receive(socket)
            if received is None:
                continue
            idents, message = received
            kind = message["header"]["msg_type"]
            answer = getattr(self, kind, None) if kind.endswith("_request") else None
            if answer is None:
                continue
            parent = {"header": message["header"]}
            if kind == "execute_request":
                self.cell = object()
            self.publish("status", {"execution_state": "busy"}, parent)
            try:
                content = answer(message["content"], parent)
            except Exception as problem:
                content = self._failure(problem)
            if kind == "execute_request":
                self.cell = None
            # The cells that wait behind one that failed do not run: those that are there before it is told.
            failed = kind == "execute_request" and content["status"] == "error"
            waiting = self._waiting(socket) if failed and message["content"].get("stop_on_error", True) else []
            self._reply(socket, idents, kind, content, parent)
            self.publish("status", {"execution_state": "idle"}, parent)
            for others, each in waiting:
                self._abort(socket, others, each)
            if kind == "shutdown_request":
                self.ended.set()

    def _reply(self, socket, idents, kind, content, parent):
        with self.sending:
            self.wire.send(socket, kind.replace("_request", "_reply"), content, parent, ident=idents)

    def _receive(self, socket):
        """The next message and whom it comes from; None if it is not signed with the key, or no message at all."""
        parts = socket.recv_multipart()
        with self.sending:
            try:
                idents, parts = self.wire.feed_identities(parts)
                return idents, self.wire.deserialize(parts)
            except Exception as problem:
                print(f"motet kernel: a message is dropped: {problem}", file=sys.stderr)
                return None

    def _waiting(self, socket):
        found = []
        while socket.poll(0):
            found.append(self._receive(socket))
        return filter(None, found)

    def _abort(self, socket, idents, message):
        parent = {"header": message["header"]}
        self.publish("status", {"execution_state": "busy"}, parent)
        self._reply(socket, idents, message["header"]["msg_type"],
                    {"status": "aborted", "execution_count": self.count, "matches": [], "data": {}, "metadata": {},
                     "found": False}, parent)
        self.publish("status", {"execution_state": "idle"}, parent)

    def _failure(self, problem):
        kind = type(problem).__name__
        if isinstance(problem, motet.Error):
            kind = "motet.Error"
            self._drop()
        return {"status": "error", "ename": kind, "evalue": str(problem), "traceback": [f"{kind}: {problem}"],
                "execution_count": self.count}

    def _drop(self):
        """The connection is of no use any more: the next cell makes another one."""
        if self.cells:
            try:
                self.cells.program.names()
            except motet.Error:
                self.cells.close()
                self.cells = None

    def _connected(self, parent):
        if self.cells is None:
            self.cells = Session(self.wanted, self.session_name)
            output, still = self.cells.left()
            if still:
                output += f"[the last cell {self.cells.still_runs()}]\n"
            if output:
                self.publish("stream", {"name": "stdout", "text": output}, parent)
        return self.cells

    def kernel_info_request(self, content, parent):
        version = "{}.{}.{}".format(*sys.version_info[:3])
        running = self.cells.program.name if self.cells else self.wanted or "the only running program"
        return {"status": "ok", "protocol_version": "5.3", "implementation": "motet", "implementation_version": "0.1.0",
                "language_info": {"name": "python", "version": version, "mimetype": "text/x-python",
                                  "file_extension": ".py", "pygments_lexer": "ipython3",
                                  "codemirror_mode": {"name": "ipython", "version": 3}},
                "banner": f"Motet: cells run inside of {running}; %%each NAME runs one on every element.",
                "help_links": [], "motet_listeners": self.subscribers}

    def execute_request(self, content, parent):
        code, silent = content["code"], content.get("silent", False)
        if not silent:
            self.count += 1
            self.publish("execute_input", {"code": code, "execution_count": self.count}, parent)
        chosen = re.fullmatch(r"%program(?:[ \t]+(\S+))?\s*", code)
        if chosen:
            return self._choose(chosen.group(1), parent)
        if code.strip() in ("exit", "quit", "exit()", "quit()"):
            return {"status": "ok", "execution_count": self.count, "user_expressions": {},
                    "payload": [{"source": "ask_exit", "keepkernel": False}]}
        if not code.strip():
            return {"status": "ok", "execution_count": self.count, "user_expressions": {}, "payload": []}
        try:
            cells = self._connected(parent)
            result = cells.run(code, lambda text: self.publish("stream", {"name": "stdout", "text": text}, parent))
        except motet.Error as problem:
            failure = self._failure(problem)
            self._publish_error(failure, parent)
            return failure
        if not silent:
            for each in result.displays:
                self.publish("display_data", {"data": as_message(each), "metadata": {}, "transient": {}}, parent)
            if result.data:
                self.publish("execute_result", {"data": as_message(result.data), "metadata": {},
                                                "execution_count": self.count}, parent)
        if result.error:
            failure = {"status": "error", "ename": result.error["type"], "evalue": result.error["text"],
                       "traceback": result.error["traceback"], "execution_count": self.count}
            self._publish_error(failure, parent)
            return failure
        return {"status": "ok", "execution_count": self.count, "user_expressions": {}, "payload": []}

    def _choose(self, name, parent):
        """%program shows what runs; %program NAME goes to that one."""
        if name:
            if self.cells:
                self.cells.close()
                self.cells = None
            self.wanted = name
        try:
            text = f"cells run in {self._connected(parent).program.name}\n"
        except motet.Error as problem:
            text = f"{problem}\n"
        text += f"running: {', '.join(motet.programs()) or 'none'}\n"
        self.publish("stream", {"name": "stdout", "text": text}, parent)
        return {"status": "ok", "execution_count": self.count, "user_expressions": {}, "payload": []}

    def _publish_error(self, failure, parent):
        self.publish("error", {name: failure[name] for name in ("ename", "evalue", "traceback")}, parent)

    def complete_request(self, content, parent):
        code, cursor = content["code"], content["cursor_pos"]
        matches, begin = self._connected(parent).complete(code, cursor)
        return {"status": "ok", "matches": matches, "cursor_start": begin, "cursor_end": cursor, "metadata": {}}

    def inspect_request(self, content, parent):
        text = self._connected(parent).inspect(content["code"], content["cursor_pos"], content.get("detail_level", 0) > 0)
        return {"status": "ok", "found": text is not None, "data": {"text/plain": text} if text else {}, "metadata": {}}

    def is_complete_request(self, content, parent):
        status, indent = is_complete(content["code"])
        return {"status": status, "indent": indent}

    def history_request(self, content, parent):
        return {"status": "ok", "history": []}

    def comm_info_request(self, content, parent):
        return {"status": "ok", "comms": {}}

    def interrupt_request(self, content, parent):
        cell, end = self.cell, time.monotonic() + 2
        while cell and self.cell is cell and time.monotonic() < end:  # it may be on its way to the program
            try:
                if self.cells and self.cells.interrupt():
                    break
            except motet.Error as problem:  # the connection is the other thread's business
                self.publish("stream", {"name": "stderr", "text": f"{problem}\n"}, parent)
                return {"status": "error", "ename": "motet.Error", "evalue": str(problem), "traceback": []}
            time.sleep(0.01)
        return {"status": "ok"}

    def shutdown_request(self, content, parent):
        if content.get("restart") and self.cells:  # fresh variables; the program goes on
            self.cells.forget()
        return {"status": "ok", "restart": content.get("restart", False)}


def serve(connection_file, program=None, session="notebook"):
    import signal
    import zmq
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is a message
    with open(connection_file, encoding="utf-8") as file:
        connection = json.load(file)
    try:
        kernel = Kernel(connection, program, session)
    except zmq.ZMQError as problem:
        if problem.errno != zmq.EADDRINUSE:
            raise
        print(f"motet kernel: a port that Jupyter chose has been taken since ({problem}): start the kernel again",
              file=sys.stderr)
        return PORT_TAKEN
    kernel.run()
    return 0
