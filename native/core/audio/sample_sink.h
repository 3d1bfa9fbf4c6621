#pragma once

#include <span>

#include "support/result.h"

namespace timbre {

/// Where a recording's samples go while it is decoded.
class SampleSink {
 public:
  SampleSink() = default;
  SampleSink(const SampleSink&) = delete;
  SampleSink& operator=(const SampleSink&) = delete;
  virtual ~SampleSink() = default;

  /// What the header says of the length, before the first samples; seconds. Not called where it says nothing.
  virtual void expect(double /*seconds*/) {}

  /// The next samples. An error ends the decoding and is its answer.
  virtual Status take(std::span<const float> samples) = 0;

  /// Everything that was taken is void: the recording is decoded once more, from its beginning.
  virtual void restart() = 0;
};

}  // namespace timbre
