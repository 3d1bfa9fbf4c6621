#include "audio/layout.h"

#include <utility>

#include "audio/bytes.h"
#include "audio/mpeg_frames.h"

namespace timbre {

namespace layouts {

Completeness cut(std::uint64_t declared, std::uint64_t there, double bytes_per_second) {
  if (declared <= there) return {};
  Completeness result{Shortfall::kTruncated, std::nullopt,
                      "is truncated: its header declares " + std::to_string(declared) + " bytes of audio, " +
                          std::to_string(there) + " are there"};
  if (bytes_per_second > 0) result.missing_seconds = static_cast<double>(declared - there) / bytes_per_second;
  return result;
}

Result<Layout> mpeg_audio(const Input& input) {
  const FrameRun run = frame_run(input, 0, FrameSync::kMpegAudio);
  Layout layout;
  layout.decoder = Decoder::kMpg123;
  // A first frame that does not describe this file would make the decoder cut it.
  const bool described = run.declared_frames == 0 || run.frames <= run.declared_frames + 1;
  const std::uint64_t begin = described ? run.begin : run.audio_begin;
  layout.pieces.push_back(Piece::stretch(begin, run.end - begin));
  layout.end = run.next > 0 ? run.next : run.end;
  layout.completeness = run.completeness;
  return layout;
}

}  // namespace layouts

Result<Layout> layout_of(const Input& input, const Container& container) {
  const Input rest = Input::composed(input, {Piece::stretch(container.start, input.size() - container.start)});
  const auto of = [&]() -> Result<Layout> {
    switch (container.kind) {
      case ContainerKind::kWav:
        return layouts::wav(rest, container);
      case ContainerKind::kW64:
        return layouts::w64(rest, container);
      case ContainerKind::kAiff:
        return layouts::aiff(rest, container);
      case ContainerKind::kAu:
        return layouts::au(rest, container);
      case ContainerKind::kCaf:
        return layouts::caf(rest, container);
      case ContainerKind::kIrcam:
        return layouts::ircam(rest, container);
      case ContainerKind::kSphere:
        return layouts::sphere(rest, container);
      case ContainerKind::kFlac:
        return layouts::flac(rest);
      case ContainerKind::kOgg:
        return layouts::ogg(rest);
      case ContainerKind::kMpegAudio:
        return layouts::mpeg_audio(rest);
      case ContainerKind::kMp4:
        return layouts::mp4(rest, container);
      case ContainerKind::kMatroska:
        return layouts::matroska(rest, container);
      default: {
        auto whole = layouts::other(rest, container);
        if (container.kind == ContainerKind::kAmr) whole.value().decoder = Decoder::kAmr;
        return whole;
      }
    }
  };
  auto layout = of();
  if (!layout) return layout;
  // Offsets are those of the recording until here.
  for (Piece& piece : layout.value().pieces) {
    if (piece.own.empty()) piece.offset += container.start;
  }
  layout.value().end += container.start;
  if (container.lost_front) {
    layout.value().completeness.add({Shortfall::kDamaged, std::nullopt,
                                     "is damaged: the " + std::to_string(container.start) +
                                         " bytes before its header are a piece of a stream that cannot be read"});
  }
  return layout;
}

}  // namespace timbre
