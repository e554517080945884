// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/platform.hpp> // first: it refuses what cannot work by a sentence

/// All of Motet's core: chares, calls, waiting, collections, and the patterns made of them.

#include <motet/balance/balance.hpp>
#include <motet/chare/activity.hpp>
#include <motet/chare/channel.hpp>
#include <motet/chare/future.hpp>
#include <motet/chare/proxy.hpp>
#include <motet/chare/readonly.hpp>
#include <motet/chare/reducers.hpp>
#include <motet/chare/run.hpp>
#include <motet/chare/section.hpp>
#include <motet/chare/self.hpp>
#include <motet/chare/wait.hpp>
#include <motet/checkpoint/checkpoint.hpp>
#include <motet/pattern/parallel_for.hpp>
#include <motet/pattern/pool.hpp>
#include <motet/trace/trace.hpp>
