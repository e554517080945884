// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/variant.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace motet::inline MOTET_VARIANT::service {

/// The folder with the sockets of this user's programs, which nobody else can enter. Made if it is not there. Throws
/// `error` where it is not this user's alone. The XDG_RUNTIME_DIR of a login manager (/run/user/UID) does not count: it
/// goes with the last login, and a program may stay; and what a batch job starts has none.
inline std::string socket_folder() {
    const char* const given = std::getenv("XDG_RUNTIME_DIR");
    const std::string runtime = given != nullptr ? given : "";
    const std::string folder = !runtime.empty() && !runtime.starts_with("/run/user/")
                                   ? runtime + "/motet"
                                   : "/tmp/motet-" + std::to_string(geteuid());
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        throw error("the folder " + folder + " for the sockets of scripts cannot be made: " + std::strerror(errno));
    struct stat found {};
    if (lstat(folder.c_str(), &found) != 0)
        throw error("the folder " + folder + " cannot be looked at: " + std::strerror(errno));
    if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 077) != 0)
        throw error(folder + " is not a folder of this user alone (mode 0700): scripts will not be taken from there. "
                             "Remove it, or set XDG_RUNTIME_DIR");
    return folder;
}

} // namespace motet::inline MOTET_VARIANT::service
