#pragma once

#include <memory>

#include "audio/ffmpeg_host.h"
#include "audio/reader.h"

namespace timbre {

/// Opens a container by the ffmpeg program, as `ffmpeg` starts it. The input must outlive the reader.
///
/// Errors: those of FfmpegHost, AUDIO_UNSUPPORTED (no audio track, a codec that is not read), AUDIO_CORRUPT,
/// INVALID_ARGUMENT (no such track), ABORTED, DEADLINE_EXCEEDED, INTERNAL.
Result<std::unique_ptr<Reader>> open_ffmpeg(const Input& input, const FfmpegRequest& request, double max_seconds,
                                            const Interrupt& interrupt, const FfmpegHost& ffmpeg);

}  // namespace timbre
