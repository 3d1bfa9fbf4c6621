#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

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

/// What the recording was before it was mixed down and resampled.
struct AudioInfo {
  double seconds = 0;
  int sample_rate = 0;
  int channels = 0;
  double clipped_share = 0;  ///< of all channels' samples, how many lie at full scale, in [0, 1]
  std::string format;        ///< e.g. "WAV/PCM_16", "FLAC/PCM_16", "OGG/OPUS", "ffmpeg", "samples"
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
