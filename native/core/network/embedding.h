#pragma once

#include <vector>

namespace timbre {

/// What a network makes of an utterance, not normalised.
using Embedding = std::vector<float>;

}  // namespace timbre
