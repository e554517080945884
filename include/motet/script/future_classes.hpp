// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/python.hpp>

#if MOTET_BODIES

/// What scripts wait with, and what they get: futures, results by index, errors. Over `_wait`, `_ready` and `_taken`
/// (proxy_answers.hpp).
namespace motet::inline MOTET_VARIANT::script {

inline void make_future_classes(py::dict& names) {
    run_own_python(R"py(
import builtins

class RemoteError(RuntimeError):
    """What a call of another chare raised, where it is no exception of Python's own. `traceback` is that of Python
    there."""
    __module__ = "motet"

class Errors(RuntimeError):
    """Some elements failed: `errors` has the exceptions by index, `results` what the others gave."""
    __module__ = "motet"
    def __init__(self, errors, results):
        first = next(iter(errors))
        super().__init__(f"{len(errors)} of {len(errors) + len(results)} elements failed; the first, {first}: "
                         f"{type(errors[first]).__name__}: {errors[first]}")
        self.errors, self.results = errors, results

def _exception(outcome):
    index, _, kind, text, trace = outcome
    made = getattr(builtins, kind, RemoteError)
    if not (isinstance(made, type) and issubclass(made, Exception)): made = RemoteError
    try: made = made(text)
    except TypeError: made = RemoteError(f"{kind}: {text}")
    made.traceback = trace
    return made

def _one(outcomes):
    for each in outcomes:
        if each[2]: raise _exception(each)
    return outcomes[0][1] if outcomes else None

class results(list):
    """What the elements gave, in the order of `indices`."""
    __module__ = "motet"
    def __init__(self, values, indices):
        super().__init__(values)
        self.indices = indices
    def items(self): return list(zip(self.indices, self))

def _by_index(outcomes):
    failed = {each[0]: _exception(each) for each in outcomes if each[2]}
    good = [each for each in outcomes if not each[2]]
    if failed: raise Errors(failed, {each[0]: each[1] for each in good})
    return results([each[1] for each in good], [each[0] for each in good])

class future:
    """An answer that will come. get() waits for it and gives it, or raises what the call raised."""
    __module__ = "motet"
    def __init__(self, pendings, what, finish):
        self._pendings, self._what, self._finish, self._made = pendings, what, finish, None
    @property
    def ready(self):
        """Whether get() would not wait."""
        return self._made is not None or all(map(_ready, self._pendings))
    def wait(self):
        """Returns when it is ready."""
        if not self.ready: _wait(self._pendings, False, self._what)
    def get(self):
        """The answer; waits for it."""
        if self._made is None:
            outcomes = self._outcomes()
            try: self._made = (self._finish(outcomes), None)
            except Exception as problem: self._made = (None, problem)
            self._finish = None
        value, problem = self._made
        if problem is not None: raise problem
        return value
    def _outcomes(self):
        self.wait()
        return [each for one in self._pendings for each in _taken(one)]
    def __repr__(self): return f"<future of {self._what}, {'ready' if self.ready else 'not ready'}>"

def wait(*futures):
    """Waits for all of the futures, given one by one or as one list, and gives their answers as a list."""
    if len(futures) == 1 and not isinstance(futures[0], future): futures = tuple(futures[0])
    for each in futures: each.wait()
    return [each.get() for each in futures]

def wait_any(futures):
    """Waits until one of the futures is ready, and gives its place among them."""
    futures = list(futures)
    if not futures: raise ValueError("wait_any waits for one of no futures: that would be for ever")
    while True:
        for place, each in enumerate(futures):
            if each.ready: return place
        _wait([one for each in futures for one in each._pendings if not _ready(one)], True, "one of several answers")
)py",
                   names);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
