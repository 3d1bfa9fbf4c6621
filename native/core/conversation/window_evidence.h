#pragma once

#include "conversation/recipe.h"
#include "conversation/speakers.h"

namespace timbre::conversation {

/// What the segmentation says of every two centroids [K, D] being one speaker's, [K, K]: Recipe::window_weight times
/// log((together + floor) / (apart + floor)). `together` are seconds in which a local speaker of a window is near both
/// in turn, `apart` those in which two local speakers of a window are near one each; a second that several windows see
/// counts once. It is there where cosines fail: a voice that moves to another handset or codec is still one local
/// speaker of the windows in which it does so, and two people on one line are two.
Matrix window_evidence(const Items& items, const Pieces& pieces, const Matrix& centroids, const Recipe& recipe);

}  // namespace timbre::conversation
