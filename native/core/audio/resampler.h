#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

/// One channel from one rate to another, block by block, by soxr at its "high quality" (20 bit, linear phase, no
/// delay). Equal rates pass through untouched.
class Resampler {
 public:
  /// Errors: OUT_OF_MEMORY, INTERNAL.
  static Result<Resampler> create(int from, int to);

  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) = delete;
  ~Resampler();

  /// Appends to `out` what is ready.
  Status push(std::span<const float> in, std::vector<float>& out);

  /// Appends the rest; nothing may be pushed afterwards.
  Status finish(std::vector<float>& out);

 private:
  struct Soxr;
  explicit Resampler(std::unique_ptr<Soxr> soxr);

  std::unique_ptr<Soxr> soxr_;  ///< none where the rates are equal
};

/// A whole recording of one channel from one rate to another. Errors: as of Resampler, what `interrupt` says.
Result<std::vector<float>> resample(std::span<const float> samples, int from, int to, const Interrupt& interrupt);

/// e.g. "libsoxr-0.1.3".
std::string soxr_library();

}  // namespace timbre
