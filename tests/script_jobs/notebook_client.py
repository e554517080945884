# SPDX-License-Identifier: BSL-1.0
"""A client of a Jupyter kernel, as a notebook is one. Importing it raises ImportError where jupyter_client is missing."""
import os
import subprocess
import sys

from job import command
from jupyter_client.manager import KernelManager

SECONDS = 30


def install(name, folder):
    """Makes running programs a kernel of that name, which only this process finds, and those it starts."""
    os.environ["JUPYTER_PATH"] = f"{folder}/share/jupyter"
    os.environ["JUPYTER_RUNTIME_DIR"] = f"{folder}/jupyter"
    subprocess.run([sys.executable, command, "kernel", "install", "--as", name, "--prefix", folder], check=True,
                   stdout=subprocess.DEVNULL, timeout=SECONDS)


def kernel(name):
    manager = KernelManager(kernel_name=name)
    manager.start_kernel()
    return manager


class Cells:
    """A client: a notebook, so to say."""

    def __init__(self, manager, wait=True):
        self.client = manager.client()
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
