// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/variant.hpp>

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

/// Files of a checkpoint: a header, records (a size of 8 bytes, the bytes, zeros up to a multiple of 8), and a checksum
/// for each megabyte of them, so that damage is found and can be named by its place. A file is there as a whole or not
/// at all: it is written under another name, synced and renamed. It says which file of which checkpoint it is, and has
/// a number that all files of one checkpoint share, so that none is taken for another, also of another run.
namespace motet::inline MOTET_VARIANT::checkpointing {

#if MOTET_BODIES

struct file_header {
    char magic[8] = {'M', 'O', 'T', 'E', 'T', 'C', 'P', 'A'};
    std::uint64_t size = 0;     ///< of the data
    std::uint64_t cut = 0;      ///< the same in all files of one checkpoint
    char name[40] = {};         ///< of the file and its folder, "12/part.3"; ends with a zero
    std::uint64_t checksum = 0; ///< of all before
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

inline std::uint64_t checksum(const file_header& header) {
    return checksum(std::as_bytes(std::span(&header, 1)).first(offsetof(file_header, checksum)));
}

/// Of a path, what a file's header says.
inline std::string name_in_header(const std::string& path) {
    const std::size_t folder = path.rfind('/', path.rfind('/') - 1);
    return path.substr(folder + 1, sizeof file_header::name - 1);
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

/// The entries of a folder are on the disk.
inline void sync_folder(const std::string& path) {
    const descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.fd < 0 || ::fsync(folder.fd) != 0) fail_with_errno("syncing", path);
}

/// With all folders above it, on the disk. Throws `error`.
inline void make_folders(const std::string& path) {
    for (std::size_t end = 0; end != std::string::npos;) {
        const std::string above = path.substr(0, end + 1);
        end = path.find('/', end + 1);
        if (::mkdir(path.substr(0, end).c_str(), 0777) == 0)
            sync_folder(above);
        else if (errno != EEXIST)
            fail_with_errno("making", path);
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

/// Writes a file of records, each as it comes, so that no more than a megabyte of them is in memory. What has been
/// written goes on to the disk meanwhile. Throws `error`.
class record_writer {
public:
    record_writer(std::string name, std::uint64_t of_cut)
        : path(std::move(name)), temporary(path + ".new"), cut(of_cut),
          file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
        if (file.fd < 0) fail_with_errno("opening", temporary);
        const file_header unfinished{{}, 0, 0, {}, 0};
        write_all(file.fd, &unfinished, sizeof unfinished, temporary);
        waiting.reserve(checked_chunk);
    }
    void put(std::span<const std::byte> record) {
        const std::uint64_t size = record.size();
        append(std::as_bytes(std::span(&size, 1)));
        append(record);
        constexpr std::byte gap[8]{};
        append(std::span(gap).first((0 - size) % 8));
    }
    /// The file is there, as a whole and on the disk.
    void finish() {
        if (!waiting.empty()) write_chunk(waiting);
        sums.push_back(checksum(std::as_bytes(std::span(sums))));
        write_all(file.fd, sums.data(), sums.size() * sizeof sums[0], temporary);
        file_header header;
        header.size = written;
        header.cut = cut;
        name_in_header(path).copy(header.name, sizeof header.name);
        header.checksum = checksum(header);
        if (::pwrite(file.fd, &header, sizeof header, 0) != sizeof header) fail_with_errno("writing", temporary);
        if (::fsync(file.fd) != 0) fail_with_errno("syncing", temporary);
        if (::rename(temporary.c_str(), path.c_str()) != 0) fail_with_errno("renaming", temporary);
    }

private:
    static constexpr std::uint64_t pushed_at_once = 8 << 20;

    void append(std::span<const std::byte> data) {
        while (!data.empty()) {
            if (waiting.empty() && data.size() >= checked_chunk) { // no need to copy it
                write_chunk(data.first(checked_chunk));
                data = data.subspan(checked_chunk);
                continue;
            }
            const auto part = data.first(std::min(data.size(), checked_chunk - waiting.size()));
            waiting.insert(waiting.end(), part.begin(), part.end());
            data = data.subspan(part.size());
            if (waiting.size() < checked_chunk) return;
            write_chunk(waiting);
            waiting.clear();
        }
    }
    void write_chunk(std::span<const std::byte> chunk) {
        sums.push_back(checksum(chunk));
        write_all(file.fd, chunk.data(), chunk.size(), temporary);
        written += chunk.size();
        if (written - pushed < pushed_at_once) return;
        // Only a hint: fsync says whether it has come to the disk.
        ::sync_file_range(file.fd, static_cast<off_t>(sizeof(file_header) + pushed),
                          static_cast<off_t>(written - pushed), SYNC_FILE_RANGE_WRITE);
        pushed = written;
    }

    std::string path;
    std::string temporary;
    std::uint64_t cut;
    descriptor file;
    std::vector<std::byte> waiting; ///< less than a chunk
    std::vector<std::uint64_t> sums;
    std::uint64_t written = 0;
    std::uint64_t pushed = 0; ///< on to the disk
};

/// Reads what record_writer wrote, chunk by chunk, each checked before any of it is used. Throws `error` with the path
/// and the place where it is not what it should be.
class record_reader {
public:
    /// `of_cut`: what the manifest beside it says; 0: that is what is read.
    explicit record_reader(std::string name, std::uint64_t of_cut = 0)
        : path(std::move(name)), file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (file.fd < 0) refuse("cannot be opened: " + std::generic_category().message(errno));
        struct stat about {};
        if (::fstat(file.fd, &about) != 0) refuse("cannot be read: " + std::generic_category().message(errno));
        const auto length = static_cast<std::uint64_t>(about.st_size);
        file_header header;
        get(&header, sizeof header, 0);
        if (std::memcmp(header.magic, file_header().magic, sizeof header.magic) != 0)
            refuse("is none: it does not begin with " + std::string(file_header().magic, sizeof header.magic));
        if (header.checksum != checksum(header)) refuse("is damaged at byte 8");
        if (name_in_header(path) != header.name)
            refuse("is another one: it was written as " + std::string(header.name));
        if (of_cut != 0 && header.cut != of_cut) refuse("is of another run than the manifest beside it");
        cut = header.cut;
        const std::uint64_t chunks = header.size / checked_chunk + (header.size % checked_chunk != 0);
        if (header.size > length || (length - header.size) / 8 < chunks + 1 ||
            sizeof header + header.size + 8 * (chunks + 1) != length)
            refuse("ends at byte " + std::to_string(length) + ", which is not its end");
        size = header.size;
        sums.resize(chunks + 1);
        get(sums.data(), 8 * sums.size(), sizeof header + size);
        if (sums.back() != checksum(std::as_bytes(std::span(sums).first(chunks))))
            refuse("is damaged behind byte " + std::to_string(sizeof header + size));
    }
    /// The next record; valid until the next call.
    std::span<const std::byte> next() {
        std::uint64_t count = 0;
        take(&count, sizeof count);
        if (count > size - place) refuse("is damaged at byte " + std::to_string(sizeof(file_header) + place - 8));
        record.resize((count + 7) / 8 * 8);
        take(record.data(), record.size());
        return std::span<const std::byte>(record).first(count);
    }
    bool at_end() const { return place == size; }
    const std::string& name() const { return path; }
    std::uint64_t of_cut() const { return cut; }

private:
    [[noreturn]] void refuse(const std::string& what) const { throw error("the checkpoint file " + path + " " + what); }
    void get(void* to, std::size_t count, std::uint64_t at) const {
        auto* where = static_cast<char*>(to);
        for (std::size_t done = 0; done < count;) {
            const auto got = ::pread(file.fd, where + done, count - done, static_cast<off_t>(at + done));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) refuse("cannot be read: " + std::generic_category().message(errno));
            if (got == 0) refuse("ends at byte " + std::to_string(at + done) + ", in the middle");
            done += static_cast<std::size_t>(got);
        }
    }
    /// The next bytes of the data.
    void take(void* to, std::uint64_t count) {
        if (count > size - place)
            refuse("ends at byte " + std::to_string(sizeof(file_header) + size) + ", in the middle");
        auto* where = static_cast<std::byte*>(to);
        while (count > 0) {
            if (used == chunk.size()) read_chunk();
            const std::size_t part = std::min<std::uint64_t>(count, chunk.size() - used);
            std::memcpy(where, chunk.data() + used, part);
            where += part, used += part, place += part, count -= part;
        }
    }
    void read_chunk() {
        const std::uint64_t begin = sizeof(file_header) + place;
        chunk.resize(std::min<std::uint64_t>(checked_chunk, size - place));
        used = 0;
        get(chunk.data(), chunk.size(), begin);
        if (sums[place / checked_chunk] != checksum(chunk))
            refuse("is damaged between byte " + std::to_string(begin) + " and " + std::to_string(begin + chunk.size()));
    }

    std::string path;
    descriptor file;
    std::uint64_t cut = 0;
    std::uint64_t size = 0;  ///< of the data
    std::uint64_t place = 0; ///< in the data, where the next bytes are
    std::vector<std::uint64_t> sums;
    std::vector<std::byte> chunk; ///< the one that holds `place`
    std::size_t used = 0;         ///< of it
    std::vector<std::byte> record;
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::checkpointing
