#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace timbre {

/// Why a recording is not all that was recorded, worst last.
enum class Shortfall {
  kNone,
  kGrowing,    ///< the file was still being written
  kGaps,       ///< its time stamps jump: audio was lost before it was stored
  kDamaged,    ///< bytes in it are broken or missing
  kTruncated,  ///< it ends before its container says
};

/// "GROWING", "GAPS", "DAMAGED", "TRUNCATED"; empty for none.
std::string_view name(Shortfall shortfall);

/// Whether a recording is whole, as far as its container can tell.
struct Completeness {
  Shortfall shortfall = Shortfall::kNone;
  std::optional<double> missing_seconds = std::nullopt;  ///< none: not known
  std::string what = {};                                 ///< for people; follows the recording's name

  bool complete() const { return shortfall == Shortfall::kNone; }

  /// Adds what else is missing: the worse reason stays, the seconds add up where both are known.
  void add(const Completeness& other);
};

}  // namespace timbre
