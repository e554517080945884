// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/runtime/variant.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <span>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

/// Files of a checkpoint: a header, the data, and a checksum for each megabyte of it, so that damage is found and can
/// be named by its place. A file is there as a whole or not at all: it is written under another name, synced and
/// renamed.
namespace motet::inline MOTET_VARIANT::checkpointing {

#if MOTET_BODIES

struct file_header {
    char magic[8] = {'M', 'O', 'T', 'E', 'T', 'C', 'P', '1'};
    std::uint64_t size = 0;     ///< of the data
    std::uint64_t checksum = 0; ///< of magic and size
};

inline constexpr std::size_t checked_chunk = 1 << 20;

/// FNV-1a (Fowler, Noll and Vo) over words of eight bytes, in four lanes.
inline std::uint64_t checksum(std::span<const std::byte> data) {
    constexpr std::uint64_t prime = 0x100000001b3u;
    std::uint64_t lanes[4] = {0xcbf29ce484222325u, 0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu};
    std::size_t at = 0;
    const auto mix = [](std::uint64_t& lane, std::uint64_t word) { lane = ((lane ^ word) * prime) ^ (lane >> 29); };
    for (; at + 32 <= data.size(); at += 32)
        for (std::size_t k = 0; k < 4; ++k) {
            std::uint64_t word;
            std::memcpy(&word, data.data() + at + 8 * k, 8);
            mix(lanes[k], word);
        }
    for (; at < data.size(); ++at) mix(lanes[at % 4], static_cast<std::uint64_t>(data[at]) + 1);
    std::uint64_t all = data.size();
    for (const std::uint64_t lane : lanes) mix(all, lane);
    return all;
}

[[noreturn]] inline void fail_with_errno(const std::string& what, const std::string& path) {
    throw error("a checkpoint cannot be written: " + what + " " + path + ": " + std::generic_category().message(errno));
}

/// A descriptor that is closed.
class descriptor {
public:
    explicit descriptor(int number) : fd(number) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (fd >= 0) ::close(fd);
    }
    int fd;
};

/// With all folders above it. Throws `error`.
inline void make_folders(const std::string& path) {
    for (std::size_t end = 1; end != std::string::npos;) {
        end = path.find('/', end + 1);
        const std::string part = path.substr(0, end);
        if (::mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) fail_with_errno("making", path);
    }
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) fail_with_errno("making", path);
    if (!S_ISDIR(about.st_mode)) {
        errno = ENOTDIR;
        fail_with_errno("making", path);
    }
}

/// What stands in a folder; nothing if there is none.
inline std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr) return names;
    while (const dirent* entry = ::readdir(folder))
        if (const std::string name = entry->d_name; name != "." && name != "..") names.push_back(name);
    ::closedir(folder);
    return names;
}

/// A folder with nothing but files in it.
inline void remove_folder(const std::string& path) {
    for (const std::string& name : names_in(path)) ::unlink((path + "/" + name).c_str());
    ::rmdir(path.c_str());
}

inline std::string absolute_path(const std::string& path) {
    char here[4096];
    return path.front() == '/' || ::getcwd(here, sizeof here) == nullptr ? path : std::string(here) + "/" + path;
}

inline void write_all(int fd, const void* data, std::size_t size, const std::string& path) {
    const auto* from = static_cast<const char*>(data);
    while (size > 0) {
        const auto written = ::write(fd, from, std::min<std::size_t>(size, 64 << 20));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) fail_with_errno("writing", path);
        from += written;
        size -= static_cast<std::size_t>(written);
    }
}

/// The entries of a folder are on the disk.
inline void sync_folder(const std::string& path) {
    const descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.fd < 0 || ::fsync(folder.fd) != 0) fail_with_errno("syncing", path);
}

/// Writes a whole file with these data, one behind the other. Throws `error`.
inline void write_file(const std::string& path, const std::vector<std::span<const std::byte>>& pieces) {
    const std::string temporary = path + ".new";
    {
        const descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        if (file.fd < 0) fail_with_errno("opening", temporary);
        file_header header;
        for (const auto& piece : pieces) header.size += piece.size();
        header.checksum = checksum(std::as_bytes(std::span(&header, 1)).first(16));
        write_all(file.fd, &header, sizeof header, temporary);
        std::vector<std::uint64_t> sums;
        for (const auto& piece : pieces) {
            for (std::size_t at = 0; at < piece.size(); at += checked_chunk)
                sums.push_back(checksum(piece.subspan(at, std::min(checked_chunk, piece.size() - at))));
            write_all(file.fd, piece.data(), piece.size(), temporary);
        }
        // Every piece is checked by itself: their sizes come first.
        std::vector<std::uint64_t> sizes(pieces.size());
        std::transform(pieces.begin(), pieces.end(), sizes.begin(), [](const auto& piece) { return piece.size(); });
        sums.insert(sums.begin(), sizes.begin(), sizes.end());
        sums.insert(sums.begin(), sizes.size());
        sums.push_back(checksum(std::as_bytes(std::span(sums))));
        write_all(file.fd, sums.data(), sums.size() * sizeof sums[0], temporary);
        if (::fsync(file.fd) != 0) fail_with_errno("syncing", temporary);
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_with_errno("renaming", temporary);
}

/// What a file holds, and where each piece begins.
struct read_back {
    std::vector<std::byte> data; ///< begins at a multiple of 16
    std::vector<std::span<const std::byte>> pieces;
};

/// Reads what write_file wrote. Throws `error` with the path and the place where it is not what it should be.
inline read_back read_file(const std::string& path) {
    const auto refuse = [&](const std::string& what) -> void {
        throw error("the checkpoint file " + path + " " + what);
    };
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0) refuse("cannot be opened: " + std::generic_category().message(errno));
    struct stat about {};
    if (::fstat(file.fd, &about) != 0) refuse("cannot be read: " + std::generic_category().message(errno));
    const auto length = static_cast<std::uint64_t>(about.st_size);
    file_header header;
    const auto get = [&](void* to, std::size_t size, std::uint64_t at) {
        auto* where = static_cast<char*>(to);
        for (std::size_t done = 0; done < size;) {
            const auto count = ::pread(file.fd, where + done, size - done, static_cast<off_t>(at + done));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) refuse("ends at byte " + std::to_string(at + done) + ", in the middle");
            done += static_cast<std::size_t>(count);
        }
    };
    get(&header, sizeof header, 0);
    if (std::memcmp(header.magic, file_header().magic, sizeof header.magic) != 0)
        refuse("is none: it does not begin with MOTETCP1");
    if (header.checksum != checksum(std::as_bytes(std::span(&header, 1)).first(16))) refuse("is damaged at byte 8");
    if (header.size > length)
        refuse("ends at byte " + std::to_string(length) + " of more than " + std::to_string(header.size));
    const std::uint64_t tail = sizeof header + header.size;
    std::uint64_t count = 0;
    get(&count, sizeof count, tail);
    std::vector<std::uint64_t> sums;
    if (count > (length - tail) / 8) refuse("is damaged at byte " + std::to_string(tail));
    sums.resize((length - tail) / 8);
    if (tail + 8 * sums.size() != length || sums.size() < count + 2)
        refuse("ends at byte " + std::to_string(length) + ", in the middle");
    get(sums.data(), 8 * sums.size(), tail);
    if (sums.back() != checksum(std::as_bytes(std::span(sums).first(sums.size() - 1))))
        refuse("is damaged behind byte " + std::to_string(tail));
    read_back all;
    all.data.resize(header.size);
    get(all.data.data(), header.size, sizeof header);
    std::size_t at = 0, sum = count + 1;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t size = sums[1 + i];
        if (size > header.size - at) refuse("is damaged behind byte " + std::to_string(tail));
        const std::span<const std::byte> piece(all.data.data() + at, size);
        for (std::size_t begin = 0; begin < size; begin += checked_chunk, ++sum) {
            const std::size_t part = std::min<std::size_t>(checked_chunk, size - begin);
            if (sum + 1 >= sums.size() || sums[sum] != checksum(piece.subspan(begin, part)))
                refuse("is damaged between byte " + std::to_string(sizeof header + at + begin) + " and " +
                       std::to_string(sizeof header + at + begin + part));
        }
        all.pieces.push_back(piece);
        at += size;
    }
    return all;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::checkpointing
