#pragma once

#include <memory>

#include "audio/audio.h"
#include "audio/container.h"
#include "audio/ffmpeg_host.h"
#include "audio/layout.h"
#include "audio/reader.h"

namespace timbre {

/// One continuous recording of an input. Most inputs are one; chained Ogg, joined files and streams that change their
/// rate midway are several, one behind the other.
struct Link {
  Container container;
  Layout layout;
};

/// The first. Errors: AUDIO_UNSUPPORTED, AUDIO_CORRUPT.
Result<Link> first_link(const Input& input);

/// What follows; none at the end, or where something else than another recording of the kind follows.
std::optional<Result<Link>> next_link(const Input& input, const Link& link);

/// A link's reader, with the bytes that it reads.
struct OpenLink {
  std::unique_ptr<Input> bytes;
  std::unique_ptr<Reader> reader;
};

/// Opens by the decoder that the container is read by; where that fails, and ffmpeg may know it, by ffmpeg. The input
/// must outlive what is opened.
Result<OpenLink> open_link(const Input& input, const Link& link, const AudioSelection& selection,
                           const AudioLimits& limits, const Interrupt& interrupt, const FfmpegHost& ffmpeg);

}  // namespace timbre
