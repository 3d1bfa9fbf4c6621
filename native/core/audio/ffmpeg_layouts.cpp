// Containers that ffmpeg reads: as much of their structure as tells whether they end where they should.
#include <algorithm>
#include <string_view>

#include "audio/bytes.h"
#include "audio/layout.h"
#include "audio/mpeg_frames.h"
#include "audio/ogg.h"

namespace timbre::layouts {

namespace {

using namespace std::string_view_literals;

Completeness cut_within(std::string_view what) {
  return {Shortfall::kTruncated, std::nullopt, "is truncated: its last " + std::string(what) + " is incomplete"};
}

/// Frames of a raw stream.
Completeness frames(const Input& input, FrameSync sync) {
  Completeness result;
  std::uint64_t begin = 0;
  do {
    const FrameRun run = frame_run(input, begin, sync);
    result.add(run.completeness);
    begin = run.next;
  } while (begin > 0);
  return result;
}

/// The size of the outermost chunk; 0 where it was written to a pipe.
Completeness avi(const Input& input) {
  const std::uint64_t size = Stretch(input, 0, 8).number(4, 4, Order::kLittle);
  return size < 0x7FFF0000 ? cut(size, input.size() - 8, 0) : Completeness{};
}

/// Tags with their size in front and behind. Adobe Flash Video File Format Specification, version 10.1.
Completeness flv(const Input& input) {
  std::uint64_t offset = Stretch(input, 5, 4).number(0, 4, Order::kBig) + 4;
  while (offset < input.size()) {
    const Stretch tag(input, offset, 11);
    const std::uint64_t end = offset + 11 + tag.number(1, 3, Order::kBig) + 4;
    if (tag.size() < 11 || end > input.size()) return cut_within("tag");
    offset = end;
  }
  return {};
}

/// Packets of 188 bytes, with a time stamp of four in front of each in M2TS.
Completeness transport_stream(const Input& input) {
  const std::uint64_t packet = Stretch(input, 0, 189).has(188, "G"sv) && Stretch(input, 0, 1).has(0, "G"sv) ? 188 : 192;
  return input.size() % packet == 0 ? Completeness{} : cut_within("packet");
}

/// ISO/IEC 13818-1: packs, system headers and packets, each with a start code.
Completeness program_stream(const Input& input) {
  std::uint64_t offset = 0;
  while (offset < input.size()) {
    const Stretch head(input, offset, 14);
    if (!head.has(0, "\0\0\1"sv)) return {};  // the demuxer finds the next one
    const std::uint8_t code = head[3];
    std::uint64_t length = 4;
    if (code == 0xBA) {
      length = (head[4] & 0xC0) == 0x40 ? 14 + (head[13] & 7U) : 12;
    } else if (code != 0xB9) {
      if (head.size() < 6) return cut_within("packet");
      length = 6 + head.number(4, 2, Order::kBig);
    }
    if (offset + length > input.size()) return cut_within("packet");
    offset += length;
  }
  return {};
}

/// Blocks with a type and a size, the last of type 0.
Completeness voc(const Input& input) {
  std::uint64_t offset = Stretch(input, 20, 2).number(0, 2, Order::kLittle);
  while (offset < input.size()) {
    const Stretch block(input, offset, 4);
    if (block[0] == 0 && offset + 1 < input.size()) {
      return {Shortfall::kDamaged, std::nullopt, "is damaged: it goes on behind the block that ends it"};
    }
    if (block[0] == 0) return {};
    const std::uint64_t end = offset + 4 + block.number(1, 3, Order::kLittle);
    if (block.size() < 4 || end > input.size()) return cut_within("block");
    offset = end;
  }
  return {Shortfall::kTruncated, std::nullopt, "is truncated: the block that should end it is missing"};
}

/// Blocks with their size; the first says how many samples there are in all. WavPack 4 and 5 file format.
Completeness wavpack(const Input& input, std::uint64_t end, std::uint64_t& declared_frames) {
  const Stretch first(input, 0, 16);
  const std::uint64_t total = first.number(12, 4, Order::kLittle);
  if (total != 0xFFFFFFFF) declared_frames = total | static_cast<std::uint64_t>(first[11]) << 32U;
  std::uint64_t offset = 0;
  while (offset < end) {
    const Stretch block(input, offset, 8);
    if (!block.has(0, "wvpk"sv)) return {};  // the demuxer finds the next one
    offset += 8 + block.number(4, 4, Order::kLittle);
    if (offset > end) return cut_within("block");
  }
  return {};
}

}  // namespace

Result<Layout> other(const Input& input, const Container& container) {
  Layout layout;
  const std::string& demuxer = container.demuxer;
  layout.demuxer = demuxer;
  layout.end = demuxer == "wv" || demuxer == "tta" ? end_before_tags(input) : input.size();
  layout.pieces.push_back(Piece::stretch(0, layout.end));
  if (demuxer == "aac") layout.completeness = frames(input, FrameSync::kAdts);
  if (demuxer == "loas") layout.completeness = frames(input, FrameSync::kLoas);
  if (demuxer == "ac3") layout.completeness = frames(input, FrameSync::kAc3);
  if (demuxer == "eac3") layout.completeness = frames(input, FrameSync::kEac3);
  if (demuxer == "avi") layout.completeness = avi(input);
  if (demuxer == "flv") layout.completeness = flv(input);
  if (demuxer == "mpegts") layout.completeness = transport_stream(input);
  if (demuxer == "mpeg") layout.completeness = program_stream(input);
  if (demuxer == "voc") layout.completeness = voc(input);
  if (demuxer == "wv") layout.completeness = wavpack(input, layout.end, layout.declared_frames);
  return layout;
}

Result<Layout> ogg(const Input& input) {
  Layout layout;
  layout.decoder = Decoder::kOgg;
  layout.demuxer = "ogg";
  const OggLink link = ogg_link(input);
  layout.end = link.end;
  layout.pieces.push_back(Piece::stretch(0, layout.end));
  const auto speex = std::find_if(link.streams.begin(), link.streams.end(),
                                  [](const OggStream& stream) { return stream.codec == OggCodec::kSpeex; });
  if (speex != link.streams.end()) {
    // ffmpeg decodes it and says nothing about its pages.
    const Input pages = Input::composed(input, layout.pieces);
    OggPackets packets(pages, speex->serial);
    while (!packets.next_page().empty()) {
    }
    layout.completeness = packets.completeness();
  }
  return layout;
}

}  // namespace timbre::layouts
