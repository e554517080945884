// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/service/session.hpp>

#if MOTET_BODIES

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// How the frames of a client come and go: pieces of them, keys and signatures, and what it has not taken yet. What
/// they ask for: session.hpp.
namespace motet::inline MOTET_VARIANT::service {

inline void session::read() {
    asio::async_read(socket, asio::buffer(header),
                     [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
                         if (failed) return;
                         const std::uint64_t length = length_of(self->header);
                         self->body.clear();
#ifdef MOTET_WITH_TCP
                         if (self->shows_key && length > longest_key_frame)
                             return self->drop("its first frame is too long");
#endif
                         const bool gives = (self->may.bits & (capabilities::write | capabilities::run)) != 0;
                         const std::size_t most = gives ? most_request_bytes : most_asking_bytes;
                         if (length > most)
                             return self->refuse("a request of " + std::to_string(length) + " bytes: at most " +
                                                 std::to_string(most) + " are taken");
                         self->read_body(length);
                     });
}

inline void session::read_body(std::size_t length) {
    const std::size_t before = body.size();
    if (before == length) return take_content();
    body.resize(std::min(length, before + piece));
    asio::async_read(socket, asio::buffer(body.data() + before, body.size() - before),
                     [self = shared_from_this(), length](boost::system::error_code failed, std::size_t) {
                         if (!failed) self->read_body(length);
                     });
}

#ifdef MOTET_WITH_TCP
inline void session::begin_with_key() {
    nonce = random_bytes();
    shows_key = true;
    ++owner.unknown;
    std::vector<std::byte> greeting(greeting_text.size() + nonce.size());
    std::memcpy(greeting.data(), greeting_text.data(), greeting_text.size());
    std::memcpy(greeting.data() + greeting_text.size(), nonce.data(), nonce.size());
    outgoing.push_back(std::move(greeting));
    waiting += outgoing.back().size();
    write();
    clock.expires_after(std::chrono::seconds(10));
    clock.async_wait([self = weak_from_this()](boost::system::error_code cancelled) {
        const auto here = self.lock();
        if (!cancelled && here && !here->greeted) here->drop("it showed no key within ten seconds");
    });
    read();
}

/// The first frame.
inline void session::take_key() {
    digest of_client{};
    if (body.size() < of_client.size()) return drop("its first frame is too short");
    std::memcpy(of_client.data(), body.data(), of_client.size());
    const std::string name(reinterpret_cast<const char*>(body.data()) + of_client.size(),
                           body.size() - of_client.size());
    const auto found = owner.keys.keys.find(name);
    const std::vector<std::byte> none(32, std::byte{0});
    seal connection(connection_key(found != owner.keys.keys.end() ? found->second.key : none, nonce, of_client),
                    seal::program);
    if (!connection.is_right(body, signature) || found == owner.keys.keys.end()) return drop("it has no right key");
    sealed = connection;
    be_known();
    who = "key " + name + ", " + who;
    may = capabilities::from(found->second.may);
    read();
}
#endif

/// The content of a frame is there.
inline void session::take_content() {
#ifdef MOTET_WITH_TCP
    if (shows_key || sealed) {
        asio::async_read(socket, asio::buffer(signature),
                         [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
                             if (failed) return;
                             if (self->shows_key) return self->take_key();
                             if (!self->sealed->is_right(self->body, self->signature))
                                 return self->drop(
                                     "a frame is not from the owner of its key, repeated or out of order");
                             self->take_body();
                         });
        return;
    }
#endif
    take_body();
}

/// The frame is whole, and signed where it has to be.
inline void session::take_body() {
    if (!greeted)
        if (const auto version = version_in(body); version && *version != protocol_version)
            return refuse("this program speaks version " + std::to_string(protocol_version) +
                          " of the protocol, and the client version " + std::to_string(*version));
    request_frame request;
    try {
        serial::decode_into(body, request);
    } catch (const std::exception& why) { // also: no memory for what it says
        return refuse(std::string("this is no request: ") + why.what());
    }
    const std::size_t bytes = body.size();
    if (body.capacity() > piece) body = {};
    take(std::move(request), bytes);
}

inline void session::refuse(const std::string& why) {
    owner.refused(who, why);
    script_answer no;
    no.error = why;
    closing = true;
    send(framed(answer_frame{0, std::move(no)}));
}

/// Closes the connection without a word.
inline void session::drop(const std::string& why) {
    owner.refused(who, why);
    close();
}

inline void session::close() {
    closing = true;
    boost::system::error_code ignored;
    socket.close(ignored);
}

inline void session::finish() {
    closing = true;
    if (outgoing.empty()) close();
}

inline void session::send(std::vector<std::byte> bytes) {
#ifdef MOTET_WITH_TCP
    if (shows_key) return; // nothing is said to somebody unknown
    if (sealed) {
        const digest signed_by = sealed->sign(std::span(bytes).subspan(8));
        bytes.insert(bytes.end(), signed_by.begin(), signed_by.end());
    }
#endif
    waiting += bytes.size();
    if (waiting > most_waiting) return close(); // it reads nothing
    outgoing.push_back(std::move(bytes));
    if (outgoing.size() == 1) write();
}

inline void session::write() {
    asio::async_write(socket, asio::buffer(outgoing.front()),
                      [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
                          if (failed) {
                              for (auto each = self->outgoing.rbegin(); each != self->outgoing.rend(); ++each)
                                  self->give_back(*each);
                              return self->close();
                          }
                          self->waiting -= self->outgoing.front().size();
                          self->outgoing.pop_front();
                          if (!self->outgoing.empty()) return self->write();
                          self->stream();
                          if (self->closing && self->outgoing.empty()) self->close();
                      });
}

inline void session::give_back(const std::vector<std::byte>& bytes) {
#ifdef MOTET_WITH_TCP
    if (shows_key) return; // it was only greeted
#endif
    std::array<std::byte, 8> length{};
    std::copy_n(bytes.begin(), length.size(), length.begin());
    answer_frame frame;
    serial::decode_into(std::span(bytes).subspan(length.size(), length_of(length)), frame);
    script::script_control::of(owner.job).output.give_back(frame.answer.handle, frame.answer.output,
                                                           frame.answer.dropped);
}

} // namespace motet::inline MOTET_VARIANT::service

#endif // MOTET_BODIES
