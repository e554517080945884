# SPDX-License-Identifier: BSL-1.0
"""Hooks at messages, and a program that stands still: requests, and the commands for them."""
import sys

from .arguments import count_of, index_of, number_of, seconds_of


class Debugging:
    """What a Program has for hooks and standing still. State is a dict: whether it is `frozen`, the `pe` at which a hook
    has done that (-1: none), how many `holders` a freeze has, the `seconds` until it ends by itself, and the number of the
    `last` event."""

    def hook(self, on, code="", entries=(), before=False, filter="", method="", index=(), hold=0.0,
             limit=0.0):
        """Runs code after (or before) each message for the chares of that name or type ("" for any) that calls one of
        the entries (none for any). There `self` is the chare, and ck.entry(), ck.arguments() and ck.myindex() tell of
        the message. `method` names a function of the code that is called with self in place of the code. `filter`: an
        expression; where it is false nothing happens. What the code gives (its last expression, or what the function
        returns), if that is not None, freezes the program there, and is an event. Gives the handle: `print` has what it
        prints. The hook is removed when this connection ends, and the program goes on; with `hold` it stays, and each
        freeze lasts so many seconds. One that runs for more than `limit` seconds at a message is stopped and removed, as
        one that raises is, and as `interrupt` does."""
        request = self._request(9)
        request.text(on)
        request.size(len(entries))
        for entry in entries:
            request.text(entry)
        request.numbers(index if isinstance(index, (tuple, list)) else (index,))
        request.put("?", before)
        for text in (filter, code, method):
            request.text(text)
        request.put("d", hold)
        if limit:  # by name, what came after the first version of the protocol
            request.size(1)
            request.text("limit")
            request.value(float(limit))
        return self._ask(request)[0].handle

    def unhook(self, handle):
        """Removes a hook."""
        request = self._request(10)
        request.put("I", handle)
        self._ask(request)

    def freeze(self, hold=0.0):
        """All PEs stand still between two messages, for so many seconds, or as long as this connection is there. Gives
        the state."""
        request = self._request(11)
        request.put("d", hold)
        return self._ask(request)[0].found

    def go(self, all=False):
        """The program goes on, unless another client has frozen it, too; with all=True also then."""
        request = self._request(12)
        request.put("?", all)
        return self._ask(request)[0].found

    def step(self, pe=-1, count=1):
        """Lets so many messages (or fibers that can go on) run on one PE of a frozen program: that at which a hook has
        frozen it, if none is given. The state has what `ran`."""
        request = self._request(13)
        request.put("qI", pe, count)
        return self._ask(request)[0].found

    def events(self, since=0, wait=True):
        """The state, with `events` that have a higher number. Waits until there is one, if it shall."""
        request = self._request(14)
        request.put("Q?", since, wait)
        return self._ask(request)[0].found

    def inspect(self, what="queue", pe=-1, most=100):
        """A list of dicts: the messages that have not run ("queue"), what waits ("fibers"), "hooks"; of one PE, or of
        all, so many of each. What PEs have done and have before them ("pes"), and what "entries" of the program have
        done, those with the most time first: they are counted from when this is asked for the first time until all
        connections that have asked are gone."""
        request = self._request(15)
        request.text(what)
        request.put("qI", pe, most)
        return self._ask(request)[0].found[what]


def where(event):
    """"Tile[3, 4]" """
    index = event.get("index")
    return f"{event.get('chare') or 'main'}" + (f"[{', '.join(map(str, index))}]" if index is not None else "")


def told(event):
    """An event in a line."""
    kind = event["kind"]
    if kind == "hook":
        return (f"frozen {event['when']} {event['entry']} of {where(event)} on PE {event['pe']} "
                f"by hook {event['hook']}: {event['value']!r}")
    if kind == "error" and "hook" in event:
        trace = event["traceback"].rstrip()
        return (f"hook {event['hook']} is removed, for it failed {event['when']} {event['entry']} of {where(event)} on PE "
                f"{event['pe']}:\n{trace}" + ("" if event["text"] in trace else f": {event['text']}"))
    if kind in ("error", "deadlock"):
        return f"frozen by an {kind} on PE {event['pe']}: {event['text']}" if kind == "error" else \
            f"frozen by a deadlock: {event['text']}"
    return {"frozen": "the program stands still", "go": "the program goes on"}.get(kind, kind)


def state_text(state):
    if not state["frozen"]:
        return "the program runs"
    left = f", for {state['seconds']:.0f} s at most" if state["seconds"] is not None else ""
    at = f", PE {state['pe']} at a hook" if state["pe"] >= 0 else ""
    return f"the program stands still{at}{left}"


def follow(program, since, handle, out=sys.stdout):
    """Tells events until Ctrl-C, the end of the program, or that of the hook, which has failed."""
    try:
        while True:
            state = program.events(since)
            for event in state["events"]:
                print(told(event), file=out, flush=True)
                if event["kind"] == "error" and event.get("hook") == handle:
                    return 1
            since = state["last"]
    except KeyboardInterrupt:
        print(file=out)
    return 0


def freeze(program, hold, out=sys.stdout):
    state = program.freeze(hold)
    print(state_text(state), file=out, flush=True)
    if hold:
        return 0
    print("It goes on when this command ends (Ctrl-C).", file=out, flush=True)
    try:
        while state["frozen"]:
            state = program.events(state["last"])
        print("the program goes on, for somebody else has let it", file=out)
    except KeyboardInterrupt:
        print(file=out)
    return 0


def go(program, all, out=sys.stdout):
    state = program.go(all)
    print("others hold it: --all lets it go on" if state["frozen"] else state_text(state), file=out)
    return 1 if state["frozen"] else 0


def step(program, pe, count, out=sys.stdout):
    since = program.events(wait=False)["last"]
    state = program.step(pe, count)
    for each in state["ran"]:
        print(f"{each['entry']} of {where(each)} on PE {each['pe']}" if "chare" in each else f"{each['entry']} on PE {each['pe']}",
              file=out)
    if not state["ran"]:
        print("nothing is in line there", file=out)
    for event in program.events(since, wait=False)["events"]:
        print(told(event), file=out)
    return 0


def hook(program, on, code, hold, out=sys.stdout, **options):
    since = program.events(wait=False)["last"]
    handle = program.hook(on, code, hold=hold, **options)
    print(f"hook {handle} is installed", file=out, flush=True)
    if hold:
        return 0
    print("It is removed, and the program goes on, when this command ends (Ctrl-C).", file=out, flush=True)
    return follow(program, since, handle, out)


def inspect(program, what, pe, out=sys.stdout):
    """One line each."""
    lines = program.inspect(what, pe)
    for each in lines:
        if what == "queue":
            print(f"PE {each['pe']}: {each['entry']} of {where(each)}, {each['bytes']} bytes, "
                  f"priority {each['priority']}, {each['state']}", file=out)
        elif what == "fibers":
            place = f"{each['entry']} of {where(each)}" if each["chare"] else each["entry"]
            ready = ", and can go on" if each["ready"] else ""
            print(f"PE {each['pe']}: {place} waits {each['waits']}, since {each['seconds']:.3f} s{ready}", file=out)
        elif what in ("pes", "entries"):
            print(", ".join(f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
                            for name, value in each.items()), file=out)
        else:
            at = ", ".join(each["entries"]) or "every entry"
            print(f"hook {each['hook']}: {each['when']} {at} of {each['on'] or 'any chare'}"
                  + (f"[{', '.join(map(str, each['index']))}]" if each["index"] else "")
                  + (f" if {each['filter']}" if each["filter"] else "")
                  + f": {each['calls']} calls, {each['stops']} stops, {each['errors']} errors"
                  + (", removed" if each["removed"] else ""), file=out)
    if not lines:
        print({"queue": "no message waits", "fibers": "nothing waits", "hooks": "there are no hooks"}.get(what, "none has run yet"), file=out)
    return 0


def add_commands(command):
    """Adds the commands to the command line. `command(name, do, text)` makes a parser."""
    import motet

    def in_program(act):
        def do(arguments):
            with motet.connect(arguments.program) as program:
                return act(program, arguments)
        return do

    taken_by = {"hold": seconds_of, "limit": seconds_of, "index": index_of, "count": count_of, "pe": number_of}

    def made(name, act, text, **more):
        parser = command(name, in_program(act), text)
        parser.add_argument("--program", help="NAME or NAME.NUMBER, where several run")
        for option, (default, text) in more.items():
            kind = {"action": "store_true"} if default is False else {"type": taken_by.get(option, type(default))}
            parser.add_argument("--" + option, default=default, help=text, **kind)
        return parser

    hold = (0.0, "how long, such as 8h, also when this command has ended; else it is as long as that runs")
    made("freeze", lambda p, a: freeze(p, a.hold), "has a program stand still", hold=hold)
    made("go", lambda p, a: go(p, a.all), "lets it go on", all=(False, "also if another client holds it"))
    made("step", lambda p, a: step(p, a.pe, a.count), "lets messages of it run, one after the other",
         pe=(-1, "on which PE (that of the hook)"), count=(1, "how many (1)"))

    def with_place(parser):
        parser.add_argument("on", help="what the program serves, or a type of chares; '' for any")
        return parser

    parser = with_place(made("hook", lambda p, a: hook(
        p, a.on, sys.stdin.read() if a.file == "-" else open(a.file, encoding="utf-8").read(), a.hold,
        entries=a.entry, before=a.before, filter=a.filter, method=a.method, index=a.index, limit=a.limit),
        "runs a script at messages", before=(False, "before them; else after"), filter=("", "an expression"),
        method=("", "a function of the script, to be called with self"), index=((), "of one element"), hold=hold,
        limit=(0.0, "how long it may run at one message, such as 5s")))
    parser.add_argument("file", help="the script; - for standard input")
    parser.add_argument("--entry", action="append", default=[], help="a method whose messages these are; may be repeated")
    parser = with_place(made("break", lambda p, a: hook(
        p, a.on, "True", a.hold, entries=a.entry, before=not a.after, filter=a.condition, index=a.index),
        "freezes a program before a message", after=(False, "after it"), index=((), "of one element"), hold=hold))
    parser.add_argument("entry", nargs="*", help="a method; none: any")
    parser.add_argument("--if", dest="condition", default="", help="an expression, such as 'self.step > 10'")
    made("unhook", lambda p, a: p.unhook(a.hook) or 0, "removes a hook").add_argument("hook", type=number_of)
    made("queue", lambda p, a: inspect(p, "queue", a.pe) or inspect(p, "fibers", a.pe),
         "the messages of a program that have not run, and what waits", pe=(-1, "on which PE (all)"))
    made("inspect", lambda p, a: (print(state_text(p.events(wait=False))), inspect(p, a.what, a.pe))[1],
         "its state, and its hooks, fibers, queue, PEs or entries", pe=(-1, "on which PE (all)")).add_argument(
             "what", nargs="?", default="hooks", choices=("hooks", "fibers", "queue", "pes", "entries"))
