#pragma once

#include <memory>

#include "audio/ffmpeg_host.h"
#include "audio/reader.h"

namespace timbre {

/// Opens AMR (RFC 4867): ffmpeg decodes the frames of speech. Frames of comfort noise, which its own decoders do not
/// know, and frames without data are silence. The input must outlive the reader.
///
/// Errors: AUDIO_CORRUPT, and those of open_ffmpeg().
Result<std::unique_ptr<Reader>> open_amr(const Input& input, double max_seconds, const Interrupt& interrupt,
                                         const FfmpegHost& ffmpeg);

}  // namespace timbre
