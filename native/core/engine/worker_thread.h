#pragma once

#include <functional>
#include <string>
#include <thread>

namespace timbre {

/// Starts a thread of the engine: named, blind to signals, and a little nicer than the threads of the host, so that an
/// event loop that wakes up gets a processor at once even when every one is embedding.
std::thread start_worker(std::string name, std::function<void()> body);

}  // namespace timbre
