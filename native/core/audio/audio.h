#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "audio/completeness.h"
#include "support/descriptor.h"

namespace timbre {

/// What a recording may be at most; everything outside is refused with a typed error in bounded memory.
struct AudioLimits {
  std::uint64_t max_bytes = 256ULL << 20;
  double max_seconds = 300;
  int min_sample_rate = 4000;
  int max_sample_rate = 384000;
  int max_channels = 32;
};

/// A file on this machine.
struct AudioPath {
  std::string path;
};

/// A file that is open for reading already, whatever it is called now. Read from its beginning; where the descriptor
/// stands does not matter, and is not moved.
struct AudioFile {
  std::shared_ptr<const Descriptor> descriptor;
};

/// An encoded recording in memory, owned.
struct AudioBytes {
  std::vector<std::uint8_t> bytes;
};

/// Mono samples in [-1, 1], owned.
struct AudioSamples {
  std::vector<float> samples;
  int sample_rate = 0;
};

using AudioSource = std::variant<AudioPath, AudioFile, AudioBytes, AudioSamples>;

/// Which part of a recording is wanted. Both count from 0.
struct AudioSelection {
  std::optional<int> channel;  ///< none: all, mixed down
  std::optional<int> track;    ///< among the audio tracks; none: the container's default
};

/// What the recording was before it was mixed down and resampled.
struct AudioInfo {
  double seconds = 0;  ///< of audio that is there
  int sample_rate = 0;
  int channels = 0;
  double clipped_share = 0;                   ///< of all channels' samples, how many lie at full scale, in [0, 1]
  std::string format;                         ///< e.g. "WAV/PCM_16", "FLAC/PCM_16", "OGG/OPUS", "MP4/AAC", "samples"
  std::optional<int> channel = std::nullopt;  ///< the channel that was taken; none: the mean of all
  /// The channels cancel each other in their mean (opposite phase), so that the strongest was taken.
  bool channels_cancel = false;
  /// All channels hold the same; not known where one of them was asked for.
  bool channels_alike = false;
  int tracks = 1;  ///< audio tracks of the container
  int track = 0;   ///< the one that was taken
  Completeness completeness = {};
};

/// Mono audio at the rate that was asked for, scaled to [-1, 1].
struct Audio {
  std::vector<float> samples;
  AudioInfo info;
};

/// Wall-clock seconds of each stage.
struct AudioTimings {
  double decode = 0;
  double resample = 0;
};

}  // namespace timbre
