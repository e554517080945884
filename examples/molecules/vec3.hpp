// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>

namespace molecules {

/// A position, velocity or force, in lj units.
struct vec3 {
    double x = 0, y = 0, z = 0;

    vec3& operator+=(vec3 other) { return x += other.x, y += other.y, z += other.z, *this; }
    vec3& operator-=(vec3 other) { return x -= other.x, y -= other.y, z -= other.z, *this; }
    vec3& operator*=(double factor) { return x *= factor, y *= factor, z *= factor, *this; }

    friend vec3 operator+(vec3 left, vec3 right) { return left += right; }
    friend vec3 operator-(vec3 left, vec3 right) { return left -= right; }
    friend vec3 operator*(double factor, vec3 value) { return value *= factor; }
    friend bool operator==(const vec3&, const vec3&) = default;
};

inline double dot(vec3 left, vec3 right) { return left.x * right.x + left.y * right.y + left.z * right.z; }

/// Coordinate by coordinate.
inline vec3 lower(vec3 left, vec3 right) {
    return {std::min(left.x, right.x), std::min(left.y, right.y), std::min(left.z, right.z)};
}
inline vec3 upper(vec3 left, vec3 right) {
    return {std::max(left.x, right.x), std::max(left.y, right.y), std::max(left.z, right.z)};
}

inline bool finite(vec3 value) { return std::isfinite(value.x) && std::isfinite(value.y) && std::isfinite(value.z); }

} // namespace molecules
