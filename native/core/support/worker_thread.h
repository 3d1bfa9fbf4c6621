#pragma once

#include <functional>
#include <string>
#include <thread>

namespace timbre {

/// Starts a thread of the core: named, blind to signals, and a little nicer than the threads of the host, so that an
/// event loop that wakes up gets a processor at once even when every one is embedding. `body` must not throw.
///
/// Throws std::system_error where the system has no more threads, std::bad_alloc; then no thread was started.
std::thread start_worker(std::string name, std::function<void()> body);

}  // namespace timbre
