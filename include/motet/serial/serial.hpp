// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/aggregate.hpp>
#include <motet/serial/array.hpp>
#include <motet/serial/check.hpp>
#include <motet/serial/encode.hpp>
#include <motet/serial/scalar.hpp>
#include <motet/serial/sequence.hpp>
#include <motet/serial/tuple.hpp>
#include <motet/serial/view.hpp>
