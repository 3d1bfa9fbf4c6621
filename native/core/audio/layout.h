#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audio/completeness.h"
#include "audio/container.h"
#include "audio/input.h"
#include "support/result.h"

namespace timbre {

/// Who decodes.
enum class Decoder { kSndfile, kPaddedPcm, kMpg123, kFlac, kOgg, kAmr, kFfmpeg };

/// Integer samples that fill only a part of their bytes, at the lower end.
struct PaddedPcm {
  int channels = 0;
  int sample_rate = 0;
  int bytes = 0;  ///< of one sample
  int bits = 0;   ///< of them that are the sample's
  bool big_endian = false;
};

/// How the audio of one recording lies in its container, and what its decoder is given. libsndfile and ffmpeg get a
/// header made anew around the audio bytes, so that nothing depends on how they take a header that is wrong.
struct Layout {
  Decoder decoder = Decoder::kFfmpeg;
  std::vector<Piece> pieces = {};  ///< of the input; a recording that follows has a layout of its own
  std::uint64_t end = 0;           ///< where the recording ends in the input
  std::string demuxer = {};        ///< ffmpeg's; empty: ffmpeg does not help
  std::optional<PaddedPcm> padded = std::nullopt;
  std::uint64_t declared_frames = 0;  ///< 0: not known, or known to the decoder
  std::uint64_t exact_frames = 0;     ///< where the padding of the last block begins; 0: not known
  Completeness completeness = {};
};

/// The layout of the recording that begins at `container.start`.
/// Errors: AUDIO_CORRUPT (no audio in it, a header that says nothing), AUDIO_UNSUPPORTED (a codec that nobody reads).
Result<Layout> layout_of(const Input& input, const Container& container);

/// One file for each way of laying out audio. `input` begins with the recording.
namespace layouts {

Result<Layout> wav(const Input& input, const Container& container);
Result<Layout> w64(const Input& input, const Container& container);
Result<Layout> aiff(const Input& input, const Container& container);
Result<Layout> au(const Input& input, const Container& container);
Result<Layout> caf(const Input& input, const Container& container);
Result<Layout> ircam(const Input& input, const Container& container);
Result<Layout> sphere(const Input& input, const Container& container);
Result<Layout> flac(const Input& input);
Result<Layout> ogg(const Input& input);
Result<Layout> mpeg_audio(const Input& input);
Result<Layout> mp4(const Input& input, const Container& container);
Result<Layout> matroska(const Input& input, const Container& container);
/// What nothing is known of but ffmpeg's demuxer.
Result<Layout> other(const Input& input, const Container& container);

/// Where ID3v1 and APE tags behind the audio begin; the input's size where there are none.
std::uint64_t end_before_tags(const Input& input);

/// Bytes of audio that a header declares against those that are there, as a shortfall where they are fewer.
Completeness cut(std::uint64_t declared, std::uint64_t there, double bytes_per_second);

}  // namespace layouts

}  // namespace timbre
