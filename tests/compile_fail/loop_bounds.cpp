// expect: motet: the bounds of a parallel loop are integers: loop over the indices of a container
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

int main() {
    std::vector<double> values;
    motet::parallel_for(values.begin(), values.end(), [](double) {});
}
