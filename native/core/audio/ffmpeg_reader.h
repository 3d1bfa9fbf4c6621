#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "audio/container.h"
#include "audio/reader.h"

namespace timbre {

/// Says where the ffmpeg program may lie and where its libraries do, as PATH and LD_LIBRARY_PATH list folders. The host
/// reads its environment, the core does not; the first call counts, and without one there is no ffmpeg.
void look_for_ffmpeg(std::string_view path, std::string_view library_path);

/// Opens a container by the ffmpeg program, which reads the open file and nothing else: no network, no other file, no
/// guessing of formats, bounded memory and time. The input must outlive the reader.
///
/// Errors: AUDIO_UNSUPPORTED (no ffmpeg on the PATH, no audio track, no such codec), AUDIO_CORRUPT, ABORTED,
/// DEADLINE_EXCEEDED, INTERNAL.
Result<std::unique_ptr<Reader>> open_ffmpeg(const Input& input, const Container& container, const AudioLimits& limits,
                                            const Interrupt& interrupt);

/// Path of the ffmpeg program; empty when there is none.
const std::string& ffmpeg_program();

}  // namespace timbre
