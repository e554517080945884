// SPDX-License-Identifier: BSL-1.0
// needs: cereal boost_serialization
//
// Writing values and reading them back into existing storage, beside memcpy, cereal and Boost.Serialization. Each keeps
// its buffers from one repetition to the next, and uses its fastest binary archive.

#include "harness.hpp"

#include <motet/serial/serial.hpp>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <cereal/archives/binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <istream>
#include <ostream>
#include <streambuf>
#include <string>
#include <vector>

struct record {
    int number;
    double value;
    std::string text;

    bool operator==(const record&) const = default;
};

/// The same for the rivals, whose `serialize` Motet would use too.
struct rival_record {
    int number;
    double value;
    std::string text;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(number, value, text);
    }
    bool operator==(const rival_record&) const = default;
};
namespace boost::serialization {
template <class Archive>
void serialize(Archive& archive, rival_record& record, unsigned) {
    archive& record.number& record.value& record.text;
}
} // namespace boost::serialization
BOOST_CLASS_IMPLEMENTATION(rival_record, boost::serialization::object_serializable)
BOOST_CLASS_TRACKING(rival_record, boost::serialization::track_never)

/// The cheapest stream buffer there is: it writes into a vector that is large enough, and reads from it.
class memory_buffer : public std::streambuf {
public:
    explicit memory_buffer(std::size_t capacity) : memory_(capacity) {}
    void to_write() { setp(memory_.data(), memory_.data() + memory_.size()); }
    void to_read() { setg(memory_.data(), memory_.data(), pptr()); }

private:
    std::vector<char> memory_;
};

constexpr std::size_t room = std::size_t{16} << 20;

template <class T>
auto with_cereal(const T& from, T& into, memory_buffer& memory) {
    return [&] {
        return 1e3 * motet_bench::seconds([&] {
                   memory.to_write();
                   std::ostream out(&memory);
                   cereal::BinaryOutputArchive{out}(from);
                   memory.to_read();
                   std::istream in(&memory);
                   cereal::BinaryInputArchive{in}(into);
               });
    };
}

template <class T>
auto with_boost(const T& from, T& into, memory_buffer& memory) {
    return [&] {
        return 1e3 * motet_bench::seconds([&] {
                   memory.to_write();
                   boost::archive::binary_oarchive(memory, boost::archive::no_header) << from;
                   memory.to_read();
                   boost::archive::binary_iarchive(memory, boost::archive::no_header) >> into;
               });
    };
}

template <class T>
auto with_motet(const T& from, T& into, motet::serial::writer& out) {
    return [&] {
        return 1e3 * motet_bench::seconds([&] {
                   out.clear();
                   motet::serial::write(out, from);
                   motet::serial::reader in(out.bytes());
                   motet::serial::read(in, into);
               });
    };
}

void check(bool same, const char* who) {
    if (same) return;
    std::fprintf(stderr, "%s did not read back what it wrote\n", who);
    std::exit(1);
}

void compare_doubles(motet_bench::report& report) {
    const std::vector<double> from(std::size_t{1} << 20, 1.5);
    std::vector<double> ours, copied(from.size());
    motet::serial::writer out;
    out.reserve(room);
    std::vector<double> middle(from.size());
    const std::size_t bytes = from.size() * sizeof(double);
    const auto copy_twice = [&] {
        return 1e3 * motet_bench::seconds([&] {
                   std::memcpy(middle.data(), from.data(), bytes);
                   motet_bench::keep(middle);
                   std::memcpy(copied.data(), middle.data(), bytes);
                   motet_bench::keep(copied);
               });
    };
    report.compare({.id = "serial.doubles", .unit = "ms", .at_most = 1.1, .goal_is_ratio = true, .repetitions = 31},
                   with_motet(from, ours, out), motet_bench::rival{"memcpy twice", copy_twice});
    check(ours == from && copied == from, "motet");
}

void compare_structs(motet_bench::report& report) {
    std::vector<record> from;
    std::vector<rival_record> rivals_from;
    for (int i = 0; i < 100'000; ++i) {
        const std::string text = "record number " + std::to_string(i); // some short, some too long to lie in the string
        from.push_back({i, i * 0.5, text});
        rivals_from.push_back({i, i * 0.5, text});
    }
    std::vector<record> ours;
    std::vector<rival_record> by_cereal, by_boost;
    motet::serial::writer out;
    out.reserve(room);
    memory_buffer cereal_memory(room), boost_memory(room);
    report.compare({.id = "serial.structs", .unit = "ms", .at_most = 0.7, .goal_is_ratio = true, .repetitions = 31},
                   with_motet(from, ours, out),
                   motet_bench::rival{"cereal", with_cereal(rivals_from, by_cereal, cereal_memory)},
                   motet_bench::rival{"Boost.Serialization", with_boost(rivals_from, by_boost, boost_memory)});
    check(ours == from, "motet");
    check(by_cereal == rivals_from, "cereal");
    check(by_boost == rivals_from, "Boost.Serialization");
}

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    compare_doubles(report);
    compare_structs(report);
}
