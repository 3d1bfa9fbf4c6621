#pragma once

#include <cstdint>
#include <vector>

#include "audio/bytes.h"
#include "audio/completeness.h"
#include "audio/input.h"

namespace timbre {

/// Raw streams that consist of nothing but frames, each with a header that tells its length.
enum class FrameSync { kMpegAudio, kAdts, kLoas, kAc3, kEac3 };

/// Whether at least `least` frames follow each other from `offset`, or as many as there are to the end of the input.
bool begins_with_frames(Scanner& bytes, std::uint64_t offset, FrameSync sync, int least);

/// Whether a frame of any kind can begin with these bytes.
bool may_be_frame(std::uint8_t first, std::uint8_t second);

/// Frames behind each other that have the same layer, rate and number of channels.
struct FrameRun {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t audio_begin = 0;      ///< behind the frame that only describes the others, where there is one
  std::uint64_t frames = 0;           ///< that hold audio
  std::uint64_t declared_frames = 0;  ///< by that first frame (LAME, Xing, VBRI); 0: not declared
  int samples_per_frame = 0;
  int sample_rate = 0;
  std::uint64_t next = 0;  ///< where frames of another kind begin; 0: nowhere
  Completeness completeness = {};
};

/// The run that begins at `offset`, without the tags around it. A free-format stream of MPEG audio, whose frames do not
/// tell their length, is one run to the end.
FrameRun frame_run(const Input& input, std::uint64_t offset, FrameSync sync);

}  // namespace timbre
