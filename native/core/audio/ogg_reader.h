#pragma once

#include <memory>
#include <string>

#include "audio/audio.h"
#include "audio/ogg.h"
#include "audio/reader.h"

namespace timbre {

/// Opens one link of an Ogg file: Opus by libopus, Vorbis by libvorbis, FLAC by libFLAC. The input is the link's and
/// must outlive the reader.
///
/// Opus and Vorbis say on every page how much audio there was until then. Where that jumps, audio is missing, and the
/// jump is told; the audio that is there is read without it.
///
/// Errors: AUDIO_CORRUPT, AUDIO_UNSUPPORTED (no audio, or Speex, which ffmpeg reads), INVALID_ARGUMENT (no such track),
/// OUT_OF_MEMORY.
Result<std::unique_ptr<Reader>> open_ogg(const Input& input, const AudioSelection& selection);

}  // namespace timbre
