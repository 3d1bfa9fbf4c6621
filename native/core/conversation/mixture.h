#pragma once

#include <functional>
#include <span>

#include "conversation/recipe.h"
#include "support/interrupt.h"
#include "support/matrix.h"

namespace timbre::conversation {

/// What else says that two centroids are one speaker's, for all pairs [K, K] of centroids [K, D]. It is added to their
/// cosine.
using Evidence = std::function<Matrix(const Matrix& centroids)>;

/// Centroids [K, D] moved to where unit vectors [P, D] gather, each of a weight [P]: a mixture of von Mises-Fisher
/// distributions with one concentration. Those with little mass are given up, never the heaviest `counts.least`; the
/// nearest two merge and all are fitted anew while cosine and evidence reach Recipe::merge, or there are more than
/// `counts.most`. Time grows with P. An interrupt leaves them as they are.
Matrix refine(Matrix centroids, const Matrix& unit, std::span<const double> weights, const Recipe& recipe,
              const SpeakerCounts& counts, const Evidence& evidence, const Interrupt& interrupt);

}  // namespace timbre::conversation
