#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "audio/completeness.h"
#include "audio/input.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

/// What a recording's header says; nothing of it is trusted.
struct StreamInfo {
  int sample_rate = 0;
  int channels = 0;
  std::uint64_t frames = 0;  ///< 0: not known before the end
  std::string format = {};   ///< as in AudioInfo; known at the end
  int tracks = 1;            ///< as in AudioInfo; known at the end
  int track = 0;
};

/// A recording that is decoded block by block.
class Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;

  virtual const StreamInfo& info() const = 0;

  /// Fills `interleaved` with whole frames, scaled to [-1, 1]; gives the number of frames, 0 at the end. What is broken
  /// is passed over and told by completeness().
  /// Errors: AUDIO_CORRUPT (nothing that could be trusted), AUDIO_UNSUPPORTED, ABORTED, DEADLINE_EXCEEDED.
  virtual Result<std::size_t> read(std::span<float> interleaved) = 0;

  /// What was found missing, once read() has given 0.
  virtual Completeness completeness() const { return {}; }
};

}  // namespace timbre
