#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "audio/reader.h"

namespace timbre {

/// Says where the ffmpeg program may lie and where its libraries do, as PATH and LD_LIBRARY_PATH list folders. The host
/// reads its environment, the core does not; the first call counts, and without one there is no ffmpeg.
void look_for_ffmpeg(std::string_view path, std::string_view library_path);

struct FfmpegRequest {
  std::string demuxer;
  std::string container;     ///< what the format and the errors begin with
  std::optional<int> track;  ///< none: the container's default
};

/// Opens a container by the ffmpeg program, which reads the input and nothing else: no network, no other file, no
/// guessing of formats, no decoder that is not in the table, bounded memory and time. The input must outlive the
/// reader.
///
/// Errors: AUDIO_UNSUPPORTED (no ffmpeg on the PATH, no audio track, a codec that is not read), AUDIO_CORRUPT,
/// INVALID_ARGUMENT (no such track), ABORTED, DEADLINE_EXCEEDED, INTERNAL.
Result<std::unique_ptr<Reader>> open_ffmpeg(const Input& input, const FfmpegRequest& request, double max_seconds,
                                            const Interrupt& interrupt);

/// Path of the ffmpeg program; empty when there is none.
const std::string& ffmpeg_program();

}  // namespace timbre
