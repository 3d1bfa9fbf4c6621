#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "audio/input.h"

namespace timbre {

/// Every container that is opened, by what its bytes are.
enum class ContainerKind {
  kUnknown,
  kWav,  ///< RIFF, RIFX, RF64, BW64
  kW64,
  kAiff,
  kAu,
  kCaf,
  kFlac,
  kOgg,
  kMpegAudio,
  kSphere,
  kIrcam,
  kAmr,
  kMp4,
  kMatroska,
  kOther,  ///< ffmpeg reads it by its demuxer
};

/// What a recording's first bytes say it is.
struct Container {
  ContainerKind kind = ContainerKind::kUnknown;
  std::string name;         ///< "WAV", "MP4"; of what is refused too: "a ZIP archive"
  std::uint64_t start = 0;  ///< where it begins, behind tags and junk
  std::string demuxer;      ///< ffmpeg's; empty: ffmpeg does not help
  bool lost_front = false;  ///< what lies before it is a piece of a stream that nobody can read
};

/// Looks at the bytes, never at a file's name. Bytes in front of a recording are passed over where it can be told from
/// them: tags, zeros, a cut frame, the head of a form.
Container container_of(const Input& input);

/// How many of a recording's first bytes `container_of` looks at, behind tags.
inline constexpr std::uint64_t kContainerReach = (64 << 10) + 256;

/// Where the tags at the beginning end, by their own word; 0 where there are none.
std::uint64_t behind_tags(const Input& input);

/// Looks at `offset` only.
Container container_at(const Input& input, std::uint64_t offset);

/// What bytes that no container begins with are, and what to do about it; none where nothing is known about them.
std::optional<std::string> known_stranger(const Input& input);

}  // namespace timbre
