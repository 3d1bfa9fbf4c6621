#include "audio/open_recording.h"

#include <utility>

#include "audio/amr_reader.h"
#include "audio/ffmpeg_reader.h"
#include "audio/flac_reader.h"
#include "audio/mp3_reader.h"
#include "audio/ogg_reader.h"
#include "audio/padded_pcm.h"
#include "audio/sndfile_reader.h"
#include "audio/tracks.h"

namespace timbre {

namespace {

constexpr const char* kFormats =
    "WAV, FLAC, Ogg, Opus, MP3, AIFF, AU, CAF; with ffmpeg also WebM, MP4, M4A, AAC, AMR, WMA and more";

Result<std::unique_ptr<Reader>> open_reader(const Input& bytes, const Link& link, const AudioSelection& selection,
                                            const AudioLimits& limits, const Interrupt& interrupt,
                                            const FfmpegHost& ffmpeg) {
  const std::string& container = link.container.name;
  switch (link.layout.decoder) {
    case Decoder::kSndfile:
      return open_sndfile(bytes, container);
    case Decoder::kPaddedPcm:
      return open_padded_pcm(bytes, *link.layout.padded,
                             container + "/PCM_" + std::to_string(link.layout.padded->bits));
    case Decoder::kMpg123:
      return open_mp3(bytes, container);
    case Decoder::kFlac:
      return open_flac(std::make_unique<InputSource>(bytes), bytes.name(), container);
    case Decoder::kOgg:
      return open_ogg(bytes, selection);
    case Decoder::kAmr:
      return open_amr(bytes, limits.max_seconds, interrupt, ffmpeg);
    case Decoder::kFfmpeg:
      break;
  }
  return open_ffmpeg(bytes, {link.layout.demuxer, container, selection.track}, limits.max_seconds, interrupt, ffmpeg);
}

/// Whether ffmpeg is to be asked about what another decoder refuses. What breaks the rules of Ogg and AMR stays
/// refused.
bool second_opinion(const Layout& layout, const Error& error) {
  if (layout.demuxer.empty() || layout.decoder == Decoder::kFfmpeg || layout.decoder == Decoder::kAmr) return false;
  if (layout.decoder == Decoder::kOgg) return error.code == ErrorCode::AUDIO_UNSUPPORTED;
  return error.code == ErrorCode::AUDIO_UNSUPPORTED || error.code == ErrorCode::AUDIO_CORRUPT;
}

bool whole(const Input& input, const Layout& layout) {
  return layout.pieces.size() == 1 && layout.pieces[0].own.empty() && layout.pieces[0].offset == 0 &&
         layout.pieces[0].size == input.size();
}

/// Containers of one track need not know about tracks.
bool has_tracks(const Layout& layout) { return layout.decoder == Decoder::kOgg || layout.decoder == Decoder::kFfmpeg; }

/// The container that a recording begins with. Errors: AUDIO_UNSUPPORTED.
Result<Container> known_container(const Input& input) {
  Container container = container_of(input);
  if (container.kind != ContainerKind::kUnknown) return container;
  if (const auto stranger = known_stranger(input)) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED, input.name() + " " + *stranger};
  }
  return Error{ErrorCode::AUDIO_UNSUPPORTED,
               input.name() + " is no recording in a format known here (" + kFormats + "); convert it to one of them"};
}

}  // namespace

std::optional<Error> refused_by_beginning(std::span<const std::uint8_t> bytes, bool whole) {
  const auto input = Input::of("the recording", bytes, {});
  if (!input) return input.error();
  // Behind a long tag anything may follow.
  const bool seen = whole || behind_tags(input.value()) + kContainerReach <= bytes.size();
  if (!seen) return std::nullopt;
  const auto container = known_container(input.value());
  if (!container) return container.error();
  return std::nullopt;
}

Result<Link> first_link(const Input& input) {
  auto container = known_container(input);
  if (!container) return std::move(container).error();
  auto layout = layout_of(input, container.value());
  if (!layout) return std::move(layout).error();
  return Link{std::move(container).value(), std::move(layout).value()};
}

std::optional<Result<Link>> next_link(const Input& input, const Link& link) {
  const std::uint64_t at = link.layout.end;
  if (at <= link.container.start || at >= input.size()) return std::nullopt;
  Container container = container_at(input, at);
  if (container.kind != link.container.kind) return std::nullopt;
  auto layout = layout_of(input, container);
  if (!layout) return Result<Link>(std::move(layout).error());
  return Result<Link>(Link{std::move(container), std::move(layout).value()});
}

Result<OpenLink> open_link(const Input& input, const Link& link, const AudioSelection& selection,
                           const AudioLimits& limits, const Interrupt& interrupt, const FfmpegHost& ffmpeg) {
  if (!has_tracks(link.layout) && selection.track.value_or(0) > 0)
    return no_such_track(input.name(), *selection.track, 1);
  OpenLink open;
  if (!whole(input, link.layout)) open.bytes = std::make_unique<Input>(Input::composed(input, link.layout.pieces));
  const Input& bytes = open.bytes ? *open.bytes : input;
  auto reader = open_reader(bytes, link, selection, limits, interrupt, ffmpeg);
  if (!reader && second_opinion(link.layout, reader.error())) {
    auto other = open_ffmpeg(bytes, {link.layout.demuxer, link.container.name, selection.track}, limits.max_seconds,
                             interrupt, ffmpeg);
    const bool better = other || reader.error().code == ErrorCode::AUDIO_UNSUPPORTED ||
                        other.error().code == ErrorCode::ABORTED || other.error().code == ErrorCode::DEADLINE_EXCEEDED;
    if (better) reader = std::move(other);
  }
  if (!reader) return std::move(reader).error();
  open.reader = std::move(reader).value();
  return open;
}

}  // namespace timbre
