#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "audio/input.h"

namespace timbre {

/// Who decodes a container.
enum class Decoder { kSndfile, kMpg123, kFfmpeg };

/// What a recording's first bytes say it is.
struct Container {
  std::string name;  ///< "WAV", "MP4/M4A"; empty when the bytes are those of no container known here
  Decoder decoder = Decoder::kSndfile;
  std::uint64_t start = 0;  ///< where it begins, behind ID3 tags
  std::string demuxer;  ///< ffmpeg's, which also helps where libsndfile lacks the codec; empty: ffmpeg does not help
};

Container container_of(const Input& input);

/// Where a WAV, AIFF or Ogg recording ends before its own headers say; libsndfile reads what is there without a word.
/// WAV headers of unknown length, as streams have them, are no fault.
std::optional<std::string> truncation(const Input& input, const Container& container);

}  // namespace timbre
