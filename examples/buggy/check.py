#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""check.py: finds the mistake in buggy, while it runs. Start it with --motet-script-wait, and in another terminal

    PYTHONPATH=tools/python python3 examples/buggy/check.py

It uploads the check of Figure 8 of "Charm++ python scripting" (ICPP 2009), to be run after every message."""
import motet

CHECK = """
def check(self):
    length = len(self.data)
    arr = self.data
    for i in range(0, length):
        value = arr[i]
        if value > 10 or value < -10:
            print("Error: value ", i, " = ", value)
            return i
"""

with motet.connect("buggy") as program:
    # After a message, for a value is wrong from the message on that has made it so.
    hook = program.hook("Tile", CHECK, method="check")
    found, last = [], 0
    while not found:
        state = program.events(last)
        found, last = [event for event in state["events"] if event.get("hook") == hook], state["last"]
    for event in found:
        print(f"after {event['entry']} of {event['chare']}{list(event['index'])} on PE {event['pe']}: "
              f"data[{event['value']}] is out of range")
    print(program.print(hook), end="")
    # The program stands still at that message: who has handled it, and what is on the way?
    place = found[0]
    waiting = [line for line in program.inspect("fibers") if line["index"] == place["index"]]
    print("its run waits", waiting[0]["waits"] if waiting else "no more")
    print(f"{len(program.inspect('queue'))} messages wait in line")
    ran = program.step(place["pe"])["ran"]
    print("a step there ran", ", ".join(each["entry"] for each in ran) if ran else "nothing")
    program.unhook(hook)
    program.go()
