// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdio>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

/// How a child process ended: the signal that killed it (0: none), its exit code, and what it wrote to stderr.
struct child_end {
    int signal = 0;
    int code = 0;
    std::string errors = {};
};

/// Runs `work` in a child process, which exits with 0 after it, and waits for its end.
template <class Work>
child_end in_child(Work work) {
    int ends[2];
    if (pipe(ends) != 0) return {.signal = -1};
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        // The test framework's own handlers would report in the child what is expected there.
        for (const int each : {SIGSEGV, SIGABRT, SIGTERM}) signal(each, SIG_DFL);
        work();
        _exit(0);
    }
    close(ends[1]);
    child_end end;
    char text[1024];
    for (ssize_t count; (count = read(ends[0], text, sizeof text)) > 0;)
        end.errors.append(text, static_cast<std::size_t>(count));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    if (WIFEXITED(status)) end.code = WEXITSTATUS(status);
    return end;
}
