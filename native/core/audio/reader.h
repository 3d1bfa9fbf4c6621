#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "audio/input.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

/// What a recording's header says; nothing of it is trusted.
struct StreamInfo {
  int sample_rate = 0;
  int channels = 0;
  std::uint64_t frames = 0;  ///< 0: not known before the end
  std::string format;        ///< as in AudioInfo
};

/// A recording that is decoded block by block.
class Reader {
 public:
  virtual ~Reader() = default;

  virtual const StreamInfo& info() const = 0;

  /// Fills `interleaved` with whole frames, scaled to [-1, 1]; gives the number of frames, 0 at the end.
  /// Errors: AUDIO_CORRUPT, ABORTED, DEADLINE_EXCEEDED.
  virtual Result<std::size_t> read(std::span<float> interleaved) = 0;
};

}  // namespace timbre
