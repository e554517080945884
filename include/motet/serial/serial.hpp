// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/aggregate.hpp>
#include <motet/serial/array.hpp>
#include <motet/serial/associative.hpp>
#include <motet/serial/bits.hpp>
#include <motet/serial/check.hpp>
#include <motet/serial/chrono.hpp>
#include <motet/serial/complex.hpp>
#include <motet/serial/copyable.hpp>
#include <motet/serial/encode.hpp>
#include <motet/serial/optional.hpp>
#include <motet/serial/own.hpp>
#include <motet/serial/scalar.hpp>
#include <motet/serial/sequence.hpp>
#include <motet/serial/shared_pointer.hpp>
#include <motet/serial/tuple.hpp>
#include <motet/serial/unique_pointer.hpp>
#include <motet/serial/variant.hpp>
#include <motet/serial/view.hpp>
