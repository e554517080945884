// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <csignal>
#include <pthread.h>
#include <thread>
#include <utility>

namespace motet::inline MOTET_VARIANT::script {

/// A thread beside the program, which gets none of its signals: their handlers run where they would without it.
template <class F>
std::thread thread_beside(F&& run) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread made(std::forward<F>(run)); // inherits the mask
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return made;
    } catch (...) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
}

} // namespace motet::inline MOTET_VARIANT::script
