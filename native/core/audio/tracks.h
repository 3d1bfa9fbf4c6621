#pragma once

#include <memory>
#include <string>

#include "audio/reader.h"

namespace timbre {

/// INVALID_ARGUMENT for a track that a recording does not have; both count from 0.
Error no_such_track(const std::string& name, int track, int tracks);

/// The reader, saying that it reads one of several tracks.
std::unique_ptr<Reader> with_tracks(std::unique_ptr<Reader> reader, int tracks, int track);

}  // namespace timbre
