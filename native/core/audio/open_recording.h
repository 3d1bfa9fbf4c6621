#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "audio/audio.h"
#include "audio/container.h"
#include "audio/ffmpeg_host.h"
#include "audio/layout.h"
#include "audio/reader.h"

namespace timbre {

/// What is wrong with a recording that begins with these bytes, as far as they tell: they are those of no container
/// that is opened. None where they may be a recording; `whole` says that there are no more of them. The layout, and
/// whether it can be decoded, is not looked at. Codes: AUDIO_UNSUPPORTED, AUDIO_CORRUPT (no bytes), AUDIO_TOO_LARGE.
std::optional<Error> refused_by_beginning(std::span<const std::uint8_t> bytes, bool whole);

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
