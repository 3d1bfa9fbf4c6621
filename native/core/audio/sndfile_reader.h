#pragma once

#include <memory>
#include <string>

#include "audio/reader.h"

namespace timbre {

/// Opens samples with a header, by libsndfile: PCM and the simple codecs in WAV, AIFF, AU, CAF, SPHERE, IRCAM. The
/// input must outlive the reader. `container` is what its format begins with.
///
/// Errors: AUDIO_CORRUPT (another decoder may know it).
Result<std::unique_ptr<Reader>> open_sndfile(const Input& input, const std::string& container);

/// e.g. "libsndfile-1.2.0".
std::string sndfile_library();

}  // namespace timbre
