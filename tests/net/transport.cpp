// SPDX-License-Identifier: BSL-1.0
#include <motet/net/mpi_transport.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
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

TEST_CASE(
    "packets too large for a slot stay in the blocks of a neighbour until they are given back; MPI takes the rest") {
    motet::net::initialize();
    mpi_transport net(MPI_COMM_WORLD, motet::net::neighbours::all);
    const int to = (net.process_number() + 1) % net.process_count();
    const int from = (net.process_number() + net.process_count() - 1) % net.process_count();
    const std::size_t blocks = net.neighbour_count() > 1 ? std::extent_v<decltype(motet::net::shared_room::blocks)> : 0;
    constexpr std::size_t size = 50'000;
    for (int round = 0; round < 3; ++round) {
        std::vector<motet::net::packet*> packets;
        std::vector<motet::net::transfer*> finished;
        for (std::size_t i = 0; i < blocks + 3; ++i) {
            motet::net::packet* const p = net.take_packet(mpi_transport::medium, to);
            CHECK((p->block != nullptr) == (i < blocks));
            REQUIRE(p->room() == std::size_t{64} << 10);
            std::memset(p->data(), static_cast<int>(i + 100) + round + net.process_number(), size);
            p->used = size;
            net.send(p);
        }
        while (packets.size() < blocks + 3 || net.under_way() > 0) net.progress(packets, finished, false);
        std::size_t in_blocks = 0;
        std::vector<bool> seen(blocks + 3);
        for (motet::net::packet* p : packets) {
            CHECK(p->process == from);
            in_blocks += p->block != nullptr;
            const auto value = static_cast<std::size_t>(p->data()[0]) - 100 - static_cast<std::size_t>(round + from);
            REQUIRE(value < seen.size());
            CHECK(!seen[value]);
            seen[value] = true;
            CHECK(p->used == size);
            CHECK(std::all_of(p->data(), p->data() + size, [&](std::byte b) { return b == p->data()[0]; }));
        }
        CHECK(in_blocks == blocks);
        for (motet::net::packet* p : packets) net.give_back(p);
        MPI_Barrier(net.group());
    }
}
