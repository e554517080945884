// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/variant.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <span>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

/// Keys, and frames that only their owners can make: for scripts over TCP. HMAC-SHA256 is that of OpenSSL's libcrypto.
///
/// 1. The program sends a greeting of 40 bytes: "motet 1\n" and 32 random bytes.
/// 2. The client's first frame holds 32 random bytes of its own and the name of its key. From the key and the random
///    bytes of both comes the key of this connection: HMAC(key, "motet scripts 1" ‖ program's bytes ‖ client's bytes).
/// 3. Each frame is followed by HMAC(connection's key, direction ‖ number of the frame ‖ length ‖ content): the numbers
///    count from 0 in each direction. So a frame that is altered, left out, repeated, taken from another connection or
///    sent back is none, and the connection is closed.
///
/// Nothing is encrypted: who can listen on the network reads along.
namespace motet::inline MOTET_VARIANT::service {

using digest = std::array<std::byte, 32>;
inline constexpr std::string_view greeting_text = "motet 1\n";

inline digest hmac(std::span<const std::byte> key, std::initializer_list<std::span<const std::byte>> parts) {
    digest result{};
    EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* const context = mac != nullptr ? EVP_MAC_CTX_new(mac) : nullptr;
    char hash[] = "SHA256";
    const OSSL_PARAM chosen[] = {OSSL_PARAM_construct_utf8_string("digest", hash, 0), OSSL_PARAM_construct_end()};
    const auto bytes = [](const std::byte* at) { return reinterpret_cast<const unsigned char*>(at); };
    bool good = context != nullptr && EVP_MAC_init(context, bytes(key.data()), key.size(), chosen) == 1;
    for (const auto part : parts) good = good && EVP_MAC_update(context, bytes(part.data()), part.size()) == 1;
    std::size_t size = 0;
    good = good && EVP_MAC_final(context, reinterpret_cast<unsigned char*>(result.data()), &size, result.size()) == 1;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    if (!good) throw error("OpenSSL computes no HMAC-SHA256");
    return result;
}

inline digest random_bytes() {
    digest made{};
    if (RAND_bytes(reinterpret_cast<unsigned char*>(made.data()), static_cast<int>(made.size())) != 1)
        throw error("OpenSSL gives no random bytes");
    return made;
}

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline digest connection_key(std::span<const std::byte> key, const digest& of_program, const digest& of_client) {
    return hmac(key, {bytes_of("motet scripts 1"), of_program, of_client});
}

/// One side of a connection. Signs what it sends, and checks what the other side has signed.
class seal {
public:
    enum side : std::uint8_t { client = 0, program = 1 };
    seal(const digest& key_of_connection, side own) : key(key_of_connection), self(own) {}

    digest sign(std::span<const std::byte> content) { return of(self, sent++, content); }
    bool is_right(std::span<const std::byte> content, const digest& given) {
        const digest wanted = of(self == client ? program : client, taken++, content);
        return CRYPTO_memcmp(wanted.data(), given.data(), given.size()) == 0;
    }

private:
    digest of(side from, std::uint64_t number, std::span<const std::byte> content) const {
        std::array<std::byte, 17> head{};
        const std::uint64_t length = content.size();
        head[0] = std::byte{from};
        std::memcpy(head.data() + 1, &number, sizeof number);
        std::memcpy(head.data() + 9, &length, sizeof length);
        return hmac(key, {head, content});
    }

    digest key;
    side self;
    std::uint64_t sent = 0;
    std::uint64_t taken = 0;
};

/// The keys of a file, each a line: its name, what its owner may do, and 64 hexadecimal digits.
struct key_file {
    struct entry {
        std::string may; ///< see capabilities
        std::vector<std::byte> key;
    };
    std::map<std::string, entry> keys;

    static constexpr std::size_t longest_name = 64;

    struct owned {
        std::string name;
        std::vector<std::byte> key;
    };
    /// The first key of a file, for a client. Throws as `read` does.
    static owned first(const std::string& path) {
        std::istringstream words(text_of(path));
        const key_file all = read(path);
        std::string line;
        while (std::getline(words, line)) {
            std::istringstream in(line.substr(0, line.find('#')));
            std::string name;
            if (in >> name) return {name, all.keys.at(name).key};
        }
        throw error("there is no key in " + path);
    }

    /// Throws error where others may read it, or a line is none.
    static key_file read(const std::string& path) { return parse(text_of(path), path); }
    static std::string text_of(const std::string& path) {
        const int open_file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (open_file < 0) throw error("the keys " + path + " cannot be read: " + std::strerror(errno));
        struct stat found {};
        const bool known = fstat(open_file, &found) == 0;
        std::string text;
        char part[4096];
        for (ssize_t n = 0; known && text.size() < (1u << 20) && (n = ::read(open_file, part, sizeof part)) > 0;)
            text.append(part, static_cast<std::size_t>(n));
        close(open_file);
        if (!known || !S_ISREG(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 077) != 0)
            throw error("the keys " + path + " are not a file of this user alone: chmod 600 it");
        return text;
    }
    static key_file parse(const std::string& text, const std::string& path) {
        key_file all;
        std::istringstream lines(text);
        std::string line;
        for (int number = 1; std::getline(lines, line); ++number) {
            std::istringstream words(line.substr(0, line.find('#')));
            std::string name;
            std::string may;
            std::string digits;
            std::string more;
            if (!(words >> name)) continue;
            const auto wrong = [&](const char* why) {
                throw error(path + ", line " + std::to_string(number) + ": " + why +
                            "; a line is: NAME CAPABILITIES KEY, such as: me all 64 hexadecimal digits");
            };
            if (!(words >> may >> digits) || words >> more) wrong("it does not consist of three words");
            if (name.size() > longest_name) wrong("the name is longer than 64 bytes");
            if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
                wrong("the key does not consist of 64 hexadecimal digits");
            entry made{may, {}};
            for (std::size_t i = 0; i < digits.size(); i += 2)
                made.key.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
            if (!all.keys.emplace(name, std::move(made)).second) wrong("this name has a key already");
        }
        if (all.keys.empty()) throw error("there is no key in " + path);
        return all;
    }
    /// Makes a file with one new key, for everything.
    static void make(const std::string& path, const std::string& name) {
        const int made = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (made < 0) throw error("the key " + path + " cannot be made: " + std::strerror(errno));
        std::string line = name + " all ";
        for (const std::byte b : random_bytes()) {
            static constexpr char digits[] = "0123456789abcdef";
            line += digits[std::to_integer<unsigned>(b) / 16];
            line += digits[std::to_integer<unsigned>(b) % 16];
        }
        line += '\n';
        const bool good = write(made, line.data(), line.size()) == static_cast<ssize_t>(line.size());
        close(made);
        if (!good) throw error("the key " + path + " cannot be written: " + std::strerror(errno));
    }
};

} // namespace motet::inline MOTET_VARIANT::service
