#pragma once

#include <memory>
#include <string>

#include "audio/reader.h"

namespace timbre {

/// Opens MPEG audio by libmpg123, without encoder delay and padding where the file names them. (libsndfile reads MP3 by
/// the same library, but lets it write warnings to the host's stderr.) The input, frames of one kind, must outlive the
/// reader. `container` is what its format begins with.
///
/// Errors: AUDIO_CORRUPT, OUT_OF_MEMORY.
Result<std::unique_ptr<Reader>> open_mp3(const Input& input, const std::string& container);

}  // namespace timbre
