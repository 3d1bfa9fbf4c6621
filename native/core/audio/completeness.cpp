#include "audio/completeness.h"

#include <algorithm>

namespace timbre {

std::string_view name(Shortfall shortfall) {
  switch (shortfall) {
    case Shortfall::kNone:
      return "";
    case Shortfall::kGrowing:
      return "GROWING";
    case Shortfall::kGaps:
      return "GAPS";
    case Shortfall::kDamaged:
      return "DAMAGED";
    case Shortfall::kTruncated:
      return "TRUNCATED";
  }
  return "";
}

void Completeness::add(const Completeness& other) {
  if (other.complete()) return;
  if (complete()) {
    *this = other;
    return;
  }
  shortfall = std::max(shortfall, other.shortfall);
  if (missing_seconds && other.missing_seconds) {
    *missing_seconds += *other.missing_seconds;
  } else {
    missing_seconds.reset();
  }
  if (what.find(other.what) == what.npos) what += "; it " + other.what;
}

}  // namespace timbre
