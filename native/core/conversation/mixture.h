#pragma once

#include <span>

#include "conversation/recipe.h"
#include "support/interrupt.h"
#include "support/matrix.h"

namespace timbre::conversation {

/// Centroids [K, D] moved to where unit vectors [P, D] gather, each of a weight [P]: a mixture of von Mises-Fisher
/// distributions with one concentration. Those with little mass are given up, never the heaviest `counts.least`; the
/// nearest two merge and all are fitted anew while they are nearer than Recipe::merge, or more than `counts.most`.
/// Time grows with P. An interrupt leaves them as they are.
Matrix refine(Matrix centroids, const Matrix& unit, std::span<const double> weights, const Recipe& recipe,
              const SpeakerCounts& counts, const Interrupt& interrupt);

}  // namespace timbre::conversation
