// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/variant.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

/// What was done to a program from outside, written so that the run can be reconstructed.
namespace motet::inline MOTET_VARIANT::script {

/// One line of JSON, as it is built.
class log_line {
public:
    log_line() {
        const auto now = std::chrono::system_clock::now();
        const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
        std::tm parts{};
        gmtime_r(&seconds, &parts);
        char text[64];
        const std::size_t n = std::strftime(text, sizeof text, "%FT%T", &parts);
        const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
        std::snprintf(text + n, sizeof text - n, ".%06dZ", static_cast<int>(micros % 1000000));
        add("time", text);
    }
    log_line& add(std::string_view name, std::string_view text) {
        begin(name);
        quote(text);
        return *this;
    }
    log_line& add(std::string_view name, std::uint64_t n) {
        begin(name);
        all += std::to_string(n);
        return *this;
    }
    log_line& add(std::string_view name, const std::vector<std::int64_t>& numbers) {
        begin(name);
        all += '[';
        for (std::size_t i = 0; i < numbers.size(); ++i) all += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
        all += ']';
        return *this;
    }
    /// Lines without their time, as a list.
    log_line& add(std::string_view name, const std::vector<std::string>& lines) {
        begin(name);
        all += '[';
        for (std::size_t i = 0; i < lines.size(); ++i) all += (i == 0 ? "" : ", ") + lines[i];
        all += ']';
        return *this;
    }
    std::string text() const { return all + "}"; }
    static log_line inner() {
        log_line line;
        line.all = "{";
        return line;
    }

private:
    void begin(std::string_view name) {
        all += all.size() > 1 ? ", " : "";
        quote(name);
        all += ": ";
    }
    void quote(std::string_view text) {
        all += '"';
        for (const char c : text) {
            const auto code = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                all += '\\';
                all += c;
            } else if (code < 0x20 || code == 0x7f) {
                char escaped[8];
                std::snprintf(escaped, sizeof escaped, "\\u%04x", code);
                all += escaped;
            } else {
                all += c;
            }
        }
        all += '"';
    }
    std::string all = "{";
};

/// The file. Whole lines are appended, each by one call of write(2), so that several programs may write to one. Only
/// this user may read it (mode 0600). When it is longer than `most`, it becomes FILE.1, in place of an older one.
class script_log {
public:
    static constexpr off_t most = off_t{64} << 20;

    /// Throws error where it cannot be written, or others may read it.
    explicit script_log(std::string file) : path(std::move(file)) { reopen(); }
    script_log(const script_log&) = delete;
    script_log& operator=(const script_log&) = delete;
    ~script_log() {
        if (to >= 0) close(to);
    }

    /// Any thread.
    void write(const log_line& line) {
        const std::string text = line.text() + "\n";
        const std::lock_guard lock(guard);
        struct stat found {};
        if (fstat(to, &found) == 0 && found.st_size > most && rename(path.c_str(), (path + ".1").c_str()) == 0) {
            close(to);
            to = -1;
            try {
                reopen();
            } catch (const error& why) {
                complain(why.what());
            }
        }
        if (to < 0 || ::write(to, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            complain(std::strerror(errno));
    }

    const std::string path;

    /// The file where nothing is said: $XDG_STATE_HOME/motet/NAME.log, or ~/.local/state/motet/NAME.log. Makes the
    /// folder.
    static std::string usual_path(const std::string& name) {
        const char* const state = std::getenv("XDG_STATE_HOME");
        const char* const home = std::getenv("HOME");
        std::string folder = state != nullptr && *state != '\0' ? state
                             : home != nullptr && *home != '\0' ? std::string(home) + "/.local/state"
                                                                : "/tmp/motet-" + std::to_string(geteuid()) + "-state";
        folder += "/motet";
        for (std::size_t at = folder.find('/', 1); at != std::string::npos; at = folder.find('/', at + 1))
            mkdir(folder.substr(0, at).c_str(), 0700);
        mkdir(folder.c_str(), 0700);
        struct stat found {};
        if (stat(folder.c_str(), &found) == 0 && (found.st_uid != geteuid() || (found.st_mode & 022) != 0))
            throw error("the folder " + folder +
                        " for the log of scripts can be changed by others: name another file "
                        "(--motet-script-log)");
        return folder + "/" + name + ".log";
    }

private:
    void reopen() {
        to = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        const std::string what = "the log of scripts " + path;
        if (to < 0)
            throw error(what + " cannot be written: " + std::strerror(errno) + " (--motet-script-log names another)");
        struct stat found {};
        if (fstat(to, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == geteuid() && (found.st_mode & 077) == 0)
            return;
        close(to);
        to = -1;
        throw error(what + " is not a file of this user alone: chmod 600 it, or name another (--motet-script-log)");
    }
    void complain(const char* why) {
        if (!std::exchange(complained, true))
            std::fprintf(stderr, "motet: warning: the log of scripts %s is incomplete: %s\n", path.c_str(), why);
    }

    std::mutex guard;
    int to = -1;
    bool complained = false;
};

} // namespace motet::inline MOTET_VARIANT::script
