#pragma once

#include <memory>

#include "audio/container.h"
#include "audio/reader.h"

namespace timbre {

/// Opens MPEG audio by libmpg123, without encoder delay and padding where the file names them. (libsndfile reads MP3 by
/// the same library, but lets it write warnings to the host's stderr.) The input must outlive the reader.
///
/// Errors: AUDIO_CORRUPT, OUT_OF_MEMORY.
Result<std::unique_ptr<Reader>> open_mp3(const Input& input, const Container& container);

}  // namespace timbre
