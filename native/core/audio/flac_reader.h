#pragma once

#include <memory>
#include <string>

#include "audio/reader.h"
#include "audio/sequential_bytes.h"

namespace timbre {

/// Opens a FLAC stream by libFLAC. It is read to its end, whatever its header says about its length; damaged frames are
/// passed over. `name` is the recording's, `container` what its format begins with ("FLAC", "OGG").
///
/// Errors: AUDIO_CORRUPT, AUDIO_UNSUPPORTED (32 bits with a libFLAC before 1.4), OUT_OF_MEMORY.
Result<std::unique_ptr<Reader>> open_flac(std::unique_ptr<SequentialBytes> bytes, const std::string& name,
                                          const std::string& container);

}  // namespace timbre
