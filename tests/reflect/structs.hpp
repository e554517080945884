// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <string>
#include <vector>

/// Structs of every sort for the tests of reflect/.
namespace sample {

// clang-format off
#define SAMPLE_TEN(p) int p##0 = 0, p##1 = 1, p##2 = 2, p##3 = 3, p##4 = 4, p##5 = 5, \
                          p##6 = 6, p##7 = 7, p##8 = 8, p##9 = 9;
#define SAMPLE_NINETY SAMPLE_TEN(a) SAMPLE_TEN(b) SAMPLE_TEN(c) SAMPLE_TEN(d) SAMPLE_TEN(e) \
                      SAMPLE_TEN(f) SAMPLE_TEN(g) SAMPLE_TEN(h) SAMPLE_TEN(i)
// clang-format on

enum class color : unsigned char { red, green = 7 };

struct point {
    int x = 0;
    int y = 0;
};

struct empty {};

struct particle {
    std::string name;
    point at;
    double mass = 1;
    color tint = color::red;
};

/// No default constructor.
struct token {
    explicit token(int number) : value(number) {}
    int value;
};

/// Neither copied nor moved.
struct pinned {
    explicit pinned(int) {}
    pinned(const pinned&) = delete;
};

struct explicit_default {
    explicit explicit_default() {}
};

/// Takes whatever it is given.
struct greedy {
    greedy() = default;
    template <class T>
    greedy(T&&) {}
};

struct move_only {
    std::unique_ptr<int> owned;
    point at;
};

struct node {
    int value = 0;
    std::vector<node> children;
};

struct with_defaults {
    int count = 3;
    token ticket = token(4);
    std::string text = "x";
};

template <class T>
struct first_of_two {
    T first;
    int second;
};

template <class T>
struct middle_of_three {
    int before;
    T middle;
    int after;
};

struct hundred {
    SAMPLE_NINETY SAMPLE_TEN(last)
};

/// Its own serialize makes a struct opaque.
struct private_state {
    int secret[3] = {1, 2, 3};
    template <class Archive>
    void serialize(Archive& archive) {
        archive(secret);
    }
};

// What cannot be reflected.
struct base {
    int inherited = 0;
};
struct derived : base {
    int own = 0;
};
struct only_derived : base {};
struct derived_from_empty : empty {
    int own = 0;
};
struct derived_with_token : base {
    token ticket;
};
struct c_array {
    int numbers[3];
};
struct c_array_of_one {
    int before;
    int numbers[1];
    int after;
};
struct c_array_of_arrays {
    std::string names[2][3];
    int after;
};
struct long_c_array {
    char bytes[5000];
    int after;
};
struct c_array_after_token {
    token ticket;
    int numbers[3];
};
struct c_array_of_tokens {
    int before;
    token tickets[2];
};
struct long_c_array_after_token {
    token ticket;
    char bytes[5000];
};
union number {
    int whole;
    double real;
};
struct with_union {
    int tag;
    number value;
};
struct with_anonymous_union {
    int tag;
    union {
        int whole;
        double real;
    };
    int after;
};
struct only_anonymous_union {
    union {
        int whole;
        double real;
    };
};
struct anonymous_union_after_token {
    token ticket;
    union {
        int whole;
        double real;
    };
};
struct anonymous_union_after_array {
    int numbers[2];
    union {
        int whole;
        double real;
    };
};
struct bit_field {
    int narrow : 3;
    int whole;
};
struct late_bit_fields {
    double real;
    color tint : 6;
    bool flag : 1;
    int : 0;
    long wide : 40;
};
struct bit_field_after_token {
    token ticket;
    int narrow : 4;
};
struct padded_by_bits {
    int first;
    int : 4;
    int second;
};
struct reference {
    int& elsewhere;
};
struct hundred_and_one {
    SAMPLE_NINETY SAMPLE_TEN(j) int last = 0;
};
class with_private {
public:
    int get() const { return hidden_; }

private:
    int hidden_ = 0;
};
struct with_constructor {
    with_constructor(int n) : number(n) {}
    int number;
};
struct with_virtual {
    virtual int number() const { return 0; }
    virtual ~with_virtual() = default;
};

} // namespace sample
