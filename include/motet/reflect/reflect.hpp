// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/check.hpp>
#include <motet/reflect/describe.hpp>
#include <motet/reflect/fields.hpp>
#include <motet/reflect/for_each_field.hpp>
#include <motet/reflect/kind.hpp>
#include <motet/reflect/names.hpp>
#include <motet/reflect/schema.hpp>
#include <motet/reflect/to_text.hpp>
