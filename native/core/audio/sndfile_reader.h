#pragma once

#include <memory>

#include "audio/reader.h"

namespace timbre {

/// Opens what libsndfile reads: WAV, FLAC, Ogg Vorbis, Ogg Opus, MP3, AIFF and its smaller formats. The input must
/// outlive the reader.
///
/// Errors: AUDIO_UNSUPPORTED (another decoder may know it), AUDIO_CORRUPT.
Result<std::unique_ptr<Reader>> open_sndfile(const Input& input);

/// e.g. "libsndfile-1.2.0".
std::string sndfile_library();

}  // namespace timbre
