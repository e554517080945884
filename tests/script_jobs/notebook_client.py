# SPDX-License-Identifier: BSL-1.0
"""A client of a Jupyter kernel, as a notebook is one. Importing it raises ImportError where jupyter_client is missing."""
import os
import subprocess
import sys

from job import command, until
from jupyter_client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from motet.kernel import PORT_TAKEN

SECONDS = 60


def install(name, folder):
    """Makes running programs a kernel of that name, which only this process finds, and those it starts."""
    os.environ["JUPYTER_PATH"] = f"{folder}/share/jupyter"
    os.environ["JUPYTER_RUNTIME_DIR"] = f"{folder}/jupyter"
    subprocess.run([sys.executable, command, "kernel", "install", "--as", name, "--prefix", folder], check=True,
                   stdout=subprocess.DEVNULL, timeout=SECONDS)


def kernel(name, **options):
    """A kernel that has begun. Another one where a port was taken meanwhile, by a test that runs beside this one."""
    while True:
        manager = KernelManager(kernel_name=name, **options)
        manager.start_kernel()
        try:
            Cells(manager).client.stop_channels()
            return manager
        except RuntimeError:
            if manager.provisioner.process.poll() != PORT_TAKEN:
                raise


def until_deaf(manager):
    """Waits until the kernel has noticed that none of its clients listens any more."""
    control = manager.connect_control()

    def deaf():
        manager.session.send(control, "kernel_info_request")
        assert control.poll(1000 * SECONDS)
        return manager.session.recv(control)[1]["content"]["motet_listeners"] == 0
    until(deaf)
    control.close()


class Cells:
    """A client: a notebook, so to say. `another`: beside that of the manager."""

    def __init__(self, manager, wait=True, another=False):
        self.client = BlockingKernelClient() if another else manager.client()
        if another:
            self.client.load_connection_file(manager.connection_file)
        self.client.start_channels()
        if wait:
            self.client.wait_for_ready(timeout=SECONDS)  # forgets what has been published before

    def reply(self, number, channel="shell"):
        while True:
            message = getattr(self.client, f"get_{channel}_msg")(timeout=SECONDS)
            if message["parent_header"].get("msg_id") == number:
                return message["content"]

    def published(self, number):
        """What is published for a request, until it is idle."""
        found = []
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != number:
                continue
            if message["msg_type"] == "status":
                if message["content"]["execution_state"] == "idle":
                    return found
            else:
                found.append((message["msg_type"], message["content"]))

    def until_busy(self, number):
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") == number and message["content"].get("execution_state") == "busy":
                return

    def run(self, code):
        """The reply, and what was published: texts by kind."""
        number = self.client.execute(code)
        content = self.reply(number)
        all_of = self.published(number)
        texts = {"stream": "", "execute_result": "", "error": "", "display_data": ""}
        for kind, each in all_of:
            if kind == "stream":
                texts[kind] += each["text"]
            elif kind in ("execute_result", "display_data"):
                texts[kind] += each["data"]["text/plain"]
                self.data = each["data"]
            elif kind == "error":
                texts[kind] += "\n".join(each["traceback"])
        return content, texts

    def value(self, code):
        content, texts = self.run(code)
        assert content["status"] == "ok", content
        return texts["execute_result"]
