// SPDX-License-Identifier: BSL-1.0
#include <motet/net/mpi_transport.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using motet::net::mpi_transport;

TEST_CASE("large data goes in chunks of bounded size, and arrives as it was") {
    motet::net::initialize();
    mpi_transport net(MPI_COMM_WORLD, motet::net::neighbours::all);
    net.chunk = 1000;
    const int to = (net.process_number() + 1) % net.process_count();
    const int from = (net.process_number() + net.process_count() - 1) % net.process_count();
    const auto byte_of = [](std::size_t i, int process) {
        return static_cast<std::byte>((7 * i + 100 * static_cast<std::size_t>(process)) % 251);
    };
    for (const std::size_t size : {1u, 999u, 1000u, 1001u, 100'500u}) {
        std::vector<std::byte> sent(size);
        std::vector<std::byte> received(size);
        std::vector<std::byte> wanted(size);
        for (std::size_t i = 0; i < size; ++i) sent[i] = byte_of(i, net.process_number()), wanted[i] = byte_of(i, from);
        motet::net::transfer leaves;
        motet::net::transfer comes;
        leaves.done = comes.done = [](motet::net::transfer&, void*) {};
        net.receive_large(from, 5, received, comes);
        net.send_large(to, 5, sent, leaves);
        CHECK(comes.pending == (size + 999) / 1000);
        CHECK(leaves.pending == comes.pending);
        std::vector<motet::net::packet*> packets;
        std::vector<motet::net::transfer*> finished;
        while (finished.size() < 2) net.progress(packets, finished, false);
        CHECK(packets.empty());
        CHECK(received == wanted);
    }
    MPI_Barrier(net.group());
}
