// expect: motet: a raw pointer cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

struct node {
    int value = 0;
    node* next = nullptr;
};

int main() { motet::serial::encode(node{}); }
