#pragma once

#include <vector>

namespace timbre::network {

/// What a network makes of an utterance, not normalised.
using Embedding = std::vector<float>;

}  // namespace timbre::network
