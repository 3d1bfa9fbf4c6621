#pragma once

#include <string>

#include "features/front_end.h"

namespace timbre::bench {

/// The front end of a published structure ("wespeaker-glob"), as its skeleton describes it.
FrontEndConfig front_end_of(const std::string& variant);

}  // namespace timbre::bench
